package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sosie/storage"
)

func TestSoak(t *testing.T) {
	dir, shape := t.TempDir(), tiny
	shape.Days = 8
	o := SoakOptions{
		Shape: shape, Output: Output{JSON: true}, Dir: dir, Duration: time.Second, Connections: 4, Rate: 2000, NewPercent: 5,
		Every: 40 * time.Millisecond, ExportEvery: 200 * time.Millisecond,
		CSV: filepath.Join(dir, "soak.csv"), Plot: filepath.Join(dir, "soak"),
	}
	var out bytes.Buffer
	if err := Soak(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	found := map[any]any{}
	for _, row := range rows(t, out.Bytes())["in all"] {
		found[row["measure"]] = row["value"]
	}
	if found["exports finished"].(float64) < 1 || found["names exported"].(float64) < 1 || found["control counts, all exact"].(float64) < 10 {
		t.Errorf("in all: %v", found)
	}
	if _, turned := found["first answer of the new day"]; !turned {
		t.Errorf("no answer after midnight: %v", found)
	}
	csv, err := os.ReadFile(o.CSV)
	if err != nil || strings.Count(string(csv), "\n") < 10 {
		t.Errorf("samples %q, %v", csv, err)
	}
	for _, name := range []string{"soak.png", "soak.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSoakRefuses(t *testing.T) {
	err := Soak(context.Background(), SoakOptions{Data: filepath.Join(t.TempDir(), "none")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "bench storage --keep") {
		t.Errorf("got %v", err)
	}
	if err := Soak(context.Background(), SoakOptions{Shape: Shape{Days: 7}}, io.Discard); !errors.Is(err, ErrOptions) {
		t.Errorf("got %v", err)
	}
}

func TestControlChecks(t *testing.T) {
	c := control{day: 100, early: 3, recent: 5}
	at := func(day storage.Day, n uint64) answer { return answer{Count: n, Stamp: storage.Stamp{Day: day}} }
	for _, row := range []struct {
		expression string
		answer     answer
		right      bool
	}{
		{goldLabel, at(100, 8), true}, {goldLabel, at(101, 8), true}, {goldLabel, at(101, 7), false},
		{goldWeek, at(100, 8), true}, {goldWeek, at(101, 5), true}, {goldWeek, at(101, 8), false}, {goldWeek, at(100, 5), false},
		{goldLabel, at(99, 8), false}, {goldLabel, at(102, 8), false},
	} {
		if err := c.check(row.expression, row.answer); (err == nil) != row.right {
			t.Errorf("%s %+v: %v", row.expression, row.answer, err)
		}
	}
}
