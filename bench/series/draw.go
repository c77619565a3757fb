package series

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Panel is one chart: lines that share a unit.
type Panel struct {
	Title string
	Lines []Line
}

// Line draws one column.
type Line struct {
	Column string
	Label  string  // in the legend, empty for none
	Scale  float64 // figures are multiplied by it; 0 means 1
}

const (
	panelWidth  = 9 * vg.Inch
	panelHeight = 1.7 * vg.Inch
)

// palette is told apart by the colour-blind too.
var palette = []color.Color{
	color.RGBA{R: 0, G: 90, B: 181, A: 255}, color.RGBA{R: 220, G: 50, B: 32, A: 255}, color.RGBA{R: 90, G: 90, B: 90, A: 255},
}

// Save draws the panels one below the other, with a line at the given moment,
// as PNG and SVG: path with .png and .svg appended.
func (s *Series) Save(path string, moment time.Duration, panels []Panel) error {
	plots := make([][]*plot.Plot, len(panels))
	for i, panel := range panels {
		p, err := s.plot(panel, moment)
		if err != nil {
			return fmt.Errorf("draw %s: %w", panel.Title, err)
		}
		if i == len(panels)-1 {
			p.X.Label.Text = "seconds"
		}
		plots[i] = []*plot.Plot{p}
	}
	height := panelHeight * vg.Length(len(panels))
	png := vgimg.New(panelWidth, height)
	align(plots, draw.New(png))
	svg := vgsvg.New(panelWidth, height)
	align(plots, draw.New(svg))
	return errors.Join(save(path+".png", vgimg.PngCanvas{Canvas: png}), save(path+".svg", svg))
}

func align(plots [][]*plot.Plot, on draw.Canvas) {
	tiles := draw.Tiles{Rows: len(plots), Cols: 1, PadY: vg.Points(6), PadTop: vg.Points(4), PadRight: vg.Points(12), PadLeft: vg.Points(4)}
	for i, row := range plot.Align(plots, tiles, on) {
		plots[i][0].Draw(row[0])
	}
}

func save(path string, drawing io.WriterTo) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save drawing: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = drawing.WriteTo(f)
	return err
}

func (s *Series) plot(panel Panel, moment time.Duration) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = panel.Title
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min = 0
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	for i, l := range panel.Lines {
		line, err := s.line(l)
		if err != nil {
			return nil, err
		}
		line.Color = palette[i%len(palette)]
		p.Add(line)
		if l.Label != "" {
			p.Legend.Add(l.Label, line)
		}
	}
	p.Y.Min = 0
	if p.Y.Max <= 0 {
		p.Y.Max = 1
	}
	p.Y.Max *= 1 + 0.2*float64(len(panel.Lines)-1) // room for the legend
	return p, mark(p, moment)
}

func (s *Series) line(l Line) (*plotter.Line, error) {
	column := s.Column(l.Column)
	if column == nil {
		return nil, fmt.Errorf("there is no column %q", l.Column)
	}
	scale := l.Scale
	if scale == 0 {
		scale = 1
	}
	points := make(plotter.XYs, len(column))
	for i, f := range column {
		points[i] = plotter.XY{X: s.At[i].Seconds(), Y: f * scale}
	}
	return plotter.NewLine(points)
}

// mark draws a dashed line at a moment within the series.
func mark(p *plot.Plot, moment time.Duration) error {
	x := moment.Seconds()
	if x < p.X.Min || x > p.X.Max {
		return nil
	}
	line, err := plotter.NewLine(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}})
	if err != nil {
		return err
	}
	line.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	line.Color = color.Gray{Y: 120}
	p.Add(line)
	return nil
}
