package series

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func sample() *Series {
	s := New("rate", "p99_ms")
	s.Add(time.Second, 100, 1.5)
	s.Add(2500*time.Millisecond, 200, 2)
	return s
}

func TestCSV(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if want := "seconds,rate,p99_ms\n1.000,100,1.5\n2.500,200,2\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	path := filepath.Join(t.TempDir(), "s.csv")
	if err := sample().SaveCSV(path); err != nil {
		t.Fatal(err)
	}
	if saved, err := os.ReadFile(path); err != nil || string(saved) != b.String() {
		t.Errorf("saved %q, %v", saved, err)
	}
}

func TestColumn(t *testing.T) {
	if got := sample().Column("p99_ms"); !slices.Equal(got, []float64{1.5, 2}) {
		t.Errorf("got %v", got)
	}
	if got := sample().Column("none"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drawing")
	panels := []Panel{
		{Title: "rate", Lines: []Line{{Column: "rate", Label: "hits"}}},
		{Title: "latency", Lines: []Line{{Column: "p99_ms", Scale: 1000}}},
	}
	if err := sample().Save(path, 2*time.Second, panels); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile(path + ".png")
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := png.Decode(bytes.NewReader(drawn)); err != nil || picture.Bounds().Dy() < 200 {
		t.Errorf("png: %v", err)
	}
	if svg, err := os.ReadFile(path + ".svg"); err != nil || !strings.Contains(string(svg), "latency") {
		t.Errorf("svg of %d bytes, %v", len(svg), err)
	}
	if err := sample().Save(path, 0, []Panel{{Title: "x", Lines: []Line{{Column: "none"}}}}); err == nil {
		t.Error("a column that does not exist is drawn")
	}
}
