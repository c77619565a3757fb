package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"sosie/bench/population"
)

func TestSegment(t *testing.T) {
	var out bytes.Buffer
	o := SegmentOptions{Shape: Shape{Users: 1000, Labels: 100, Days: 8}, Output: Output{JSON: true}, Rounds: 2, Dir: t.TempDir()}
	if err := Segment(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tables []struct {
			Rows []struct {
				Query string
				Users uint64
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	people, err := o.normal().population()
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range questions(100) {
		want := people.Count(0, func(h population.Held) bool { return q.query.Holds(h, 7) })
		if row := got.Tables[0].Rows[i]; row.Users != want || row.Query != q.name {
			t.Errorf("%s: %+v, brute force says %d", q.name, row, want)
		}
	}
}

func TestSegmentRefusesTinyPopulations(t *testing.T) {
	err := Segment(context.Background(), SegmentOptions{Shape: Shape{Labels: 50}}, io.Discard)
	if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "100 labels") {
		t.Errorf("got %v", err)
	}
}
