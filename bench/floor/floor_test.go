package floor

import (
	"os"
	"slices"
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
	every := make([]int, 60)
	for l := range every {
		every[l] = l
	}
	b := NewBitmaps(p, 1, 23, 29, every...)
	for range 2 {
		for _, q := range queries {
			want := p.Count(1, func(h population.Held) bool { return q.query.Holds(h, 29) })
			if got := b.Count(q.query); got != want || want == 0 {
				t.Errorf("%s: %d, want %d", q.text, got, want)
			}
			if got := b.List(q.query); uint64(len(got)) != want || !slices.IsSorted(got) {
				t.Errorf("%s: list of %d users, want %d", q.text, len(got), want)
			}
			users, common := b.Affinity(q.query)
			if all := p.Count(1, func(h population.Held) bool { return h.Has(21) }); users[21] != all {
				t.Errorf("%s: label 21 has %d users, want %d", q.text, users[21], all)
			}
			if both := p.Count(1, func(h population.Held) bool { return h.Has(21) && q.query.Holds(h, 29) }); common[21] != both {
				t.Errorf("%s: label 21 has %d users in common, want %d", q.text, common[21], both)
			}
		}
	}
}

// TestDenseEqualsBruteForce holds the bare loops against days counted one by one.
func TestDenseEqualsBruteForce(t *testing.T) {
	p, err := population.New(population.Spec{Users: population.ChunkUsers + 1000, Labels: 10, PerUser: 5, DaysPerLabel: 4, Window: 12, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	d := NewDense(p, 1, 1, 2, 3)
	days := func(h population.Held, labels ...int) (out [12]bool) {
		for day := range out {
			for _, l := range labels {
				out[day] = out[day] || h.HasWithin(l, day, day)
			}
		}
		return out
	}
	for _, labels := range [][]int{{1}, {1, 2, 3}} {
		want := p.Count(1, func(h population.Held) bool {
			n := 0
			for _, on := range days(h, labels...) {
				if on {
					n++
				}
			}
			return n >= 3
		})
		for range 2 {
			if got := d.Frequency(labels); got != want || want == 0 {
				t.Errorf("labels %v on 3+ days, from lists %v: %d users, want %d", labels, d.FromLists, got, want)
			}
			d.FromLists = !d.FromLists
		}
	}
	for _, gap := range []int{0, 1, 3} {
		want := p.Count(1, func(h population.Held) bool {
			first, second := days(h, 1), days(h, 2)
			for a := range first {
				for b := a + 1; b < len(second) && (gap == 0 || b <= a+gap); b++ {
					if first[a] && second[b] {
						return true
					}
				}
			}
			return false
		})
		for range 2 {
			if got := d.Sequence(1, 2, gap); got != want || want == 0 {
				t.Errorf("1 then 2 within %d days, from lists %v: %d users, want %d", gap, d.FromLists, got, want)
			}
			d.FromLists = !d.FromLists
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
