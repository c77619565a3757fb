// Package series keeps figures that were sampled over time, writes them as CSV
// and draws them as stacked panels over one time axis.
//
// All samples of a series have the same columns, in the order they were named.
package series

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Series is a table of samples over time.
type Series struct {
	// Columns names the figures, with their unit: `p99_ms`.
	Columns []string
	At      []time.Duration // since the start, rising
	Rows    [][]float64
}

// New makes an empty series.
func New(columns ...string) *Series { return &Series{Columns: columns} }

// Add appends a sample; figures go in the order of the columns.
func (s *Series) Add(at time.Duration, figures ...float64) {
	s.At, s.Rows = append(s.At, at), append(s.Rows, figures)
}

// Column returns all figures of a column; nil for one that does not exist.
func (s *Series) Column(name string) []float64 {
	for i, c := range s.Columns {
		if c != name {
			continue
		}
		out := make([]float64, len(s.Rows))
		for j, row := range s.Rows {
			out[j] = row[i]
		}
		return out
	}
	return nil
}

// WriteCSV writes the series with a line of headings; times are seconds.
func (s *Series) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write(append([]string{"seconds"}, s.Columns...)); err != nil {
		return fmt.Errorf("write series: %w", err)
	}
	for i, row := range s.Rows {
		line := []string{strconv.FormatFloat(s.At[i].Seconds(), 'f', 3, 64)}
		for _, f := range row {
			line = append(line, strconv.FormatFloat(f, 'f', -1, 64))
		}
		if err := w.Write(line); err != nil {
			return fmt.Errorf("write series: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write series: %w", err)
	}
	return nil
}

// SaveCSV writes the series to a file.
func (s *Series) SaveCSV(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save series: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return s.WriteCSV(f)
}
