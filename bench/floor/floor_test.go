package floor

import (
	"os"
	"testing"

	"sosie/bench/population"
)

func TestFlusherWritesAndCleansUp(t *testing.T) {
	dir := t.TempDir()
	f, err := NewFlusher(dir, 2048, 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if took, err := f.Flush(); err != nil || took <= 0 {
			t.Fatalf("took %v, %v", took, err)
		}
	}
	written, err := os.ReadFile(f.file.Name())
	if err != nil || len(written) != 3*2048 || written[2048*2] != 1 {
		t.Errorf("%d bytes, %v", len(written), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

var queries = []struct {
	query Query
	text  string
}{
	{Query{All: [][]int{{3}}}, "interest/t03/0003"},
	{Query{All: [][]int{{3}}, Within: 7}, "interest/t03/0003 within 7d"},
	{Query{All: [][]int{{3}, {21}}}, "interest/t03/0003 and interest/t01/0021"},
	{Query{All: [][]int{{3}, {0}, {1, 2}}}, "interest/t03/0003 and interest/t00/0000 and (interest/t01/0001 or interest/t02/0002)"},
	{Query{All: [][]int{{3}}, Not: []int{0}}, "interest/t03/0003 and not interest/t00/0000"},
	{Query{All: [][]int{{3, 40}, {1, 2}}, Not: []int{0, 9}, Within: 7}, "(interest/t03/0003 or interest/t00/0040) within 7d and (interest/t01/0001 or interest/t02/0002) within 7d and not (interest/t00/0000 or interest/t09/0009) within 7d"},
}

// The floor and the brute force over users must agree, and neither may change
// the bitmaps of the next query.
func TestBitmapsEqualBruteForce(t *testing.T) {
	p, err := population.New(population.Spec{Users: population.ChunkUsers + 1000, Labels: 60, PerUser: 3, DaysPerLabel: 2, Window: 30, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBitmaps(p, 1, 23, 29)
	for range 2 {
		for _, q := range queries {
			want := p.Count(1, func(h population.Held) bool { return q.query.Holds(h, 29) })
			if got := b.Count(q.query); got != want || want == 0 {
				t.Errorf("%s: %d, want %d", q.text, got, want)
			}
		}
	}
}

func TestExpression(t *testing.T) {
	for _, q := range queries {
		if got := q.query.Expression(); got != q.text {
			t.Errorf("got  %s\nwant %s", got, q.text)
		}
	}
}
