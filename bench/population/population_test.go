package population

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func small() Spec {
	return Spec{Users: ChunkUsers + 500, Labels: 200, PerUser: 20, DaysPerLabel: 2, Window: 30, Seed: 7}
}

func mustNew(t *testing.T, spec Spec) *Population {
	t.Helper()
	p, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"no users":           func(s *Spec) { s.Users = 0 },
		"no labels":          func(s *Spec) { s.Labels = 0 },
		"too many labels":    func(s *Spec) { s.Labels = MaxLabels + 1 },
		"too many a user":    func(s *Spec) { s.PerUser = 150 },
		"days exceed window": func(s *Spec) { s.DaysPerLabel = 16 },
	} {
		spec := small()
		change(&spec)
		if _, err := New(spec); !errors.Is(err, ErrSpec) {
			t.Errorf("%s: got %v, want ErrSpec", name, err)
		}
	}
}

func TestUsersAreReproducibleAndDistinct(t *testing.T) {
	p, q := mustNew(t, small()), mustNew(t, small())
	a, b := p.Labels(12_345, nil), q.Labels(12_345, nil)
	if !slices.Equal(a, b) {
		t.Fatalf("the same user differs: %v and %v", a, b)
	}
	if slices.Equal(a, p.Labels(12_346, nil)) {
		t.Fatal("two users are equal")
	}
	sorted := slices.Sorted(slices.Values(a))
	if len(slices.Compact(sorted)) != len(a) {
		t.Fatalf("labels repeat: %v", a)
	}
}

func TestShape(t *testing.T) {
	p := mustNew(t, small())
	labels, days := 0, 0
	perDay := make([]int, 30)
	perLabel := make([]int, 200)
	for u := range uint32(5000) {
		p.User(u, 0, func(tag Tag) {
			labels++
			perLabel[tag.Label]++
			for _, d := range tag.Days {
				days++
				perDay[d]++
			}
		})
	}
	if mean := float64(labels) / 5000; mean < 19.6 || mean > 20.4 {
		t.Errorf("labels a user: %.2f, want 20", mean)
	}
	if mean := float64(days) / float64(labels); mean < 1.98 || mean > 2.02 {
		t.Errorf("days a label: %.3f, want 2", mean)
	}
	for d, n := range perDay {
		if share := float64(n) * 30 / float64(days); share < 0.9 || share > 1.1 {
			t.Errorf("day %d holds %.2f of its share", d, share)
		}
	}
	if !(perLabel[0] > 2*perLabel[10] && perLabel[10] > 2*perLabel[100]) {
		t.Errorf("labels do not fall off: %d, %d, %d", perLabel[0], perLabel[10], perLabel[100])
	}
}

func TestCyclesKeepLabelsAndMoveDays(t *testing.T) {
	p := mustNew(t, small())
	read := func(cycle int) (labels []uint16, days []int16) {
		p.User(99, cycle, func(tag Tag) {
			labels = append(labels, tag.Label)
			days = append(days, tag.Days...)
		})
		return labels, days
	}
	l0, d0 := read(0)
	l1, d1 := read(1)
	if !slices.Equal(l0, l1) || slices.Equal(d0, d1) {
		t.Errorf("labels %v and %v, days %v and %v", l0, l1, d0, d1)
	}
}

// What is fed day by day over two cycles must be what each user says on its own.
func TestFeedEqualsUsers(t *testing.T) {
	spec := small()
	spec.PerUser, spec.Window = 3, 10
	p := mustNew(t, spec)
	fed := map[[3]int]bool{} // user, label, day
	last := -1
	err := p.Feed(context.Background(), 0, 20, func(day int, chunks [][]Key) error {
		if day != last+1 || len(chunks) != 2 {
			t.Fatalf("day %d after %d, %d chunks", day, last, len(chunks))
		}
		last = day
		if !slices.IsSorted(chunks[0]) || !slices.IsSorted(chunks[1]) {
			t.Fatalf("day %d is not sorted", day)
		}
		for _, k := range chunks[1] {
			fed[[3]int{ChunkUsers + int(k.Low()), int(k.Label()), day}] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for cycle := range 2 {
		for u := ChunkUsers; u < spec.Users; u++ {
			p.User(uint32(u), cycle, func(tag Tag) {
				for _, d := range tag.Days {
					want++
					if !fed[[3]int{u, int(tag.Label), cycle*10 + int(d)}] {
						t.Fatalf("user %d label %d day %d was not fed", u, tag.Label, d)
					}
				}
			})
		}
	}
	if len(fed) != want {
		t.Errorf("fed %d tags, want %d", len(fed), want)
	}
}

func TestFeedStops(t *testing.T) {
	spec := small()
	spec.Users = 100
	p := mustNew(t, spec)
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	err := p.Feed(ctx, 0, 30, func(int, [][]Key) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestByUser(t *testing.T) {
	keys := []Key{NewKey(1, 5), NewKey(1, 9), NewKey(4, 0)}
	got := map[uint16]int{}
	if err := ByUser(keys, func(low uint16, labels []Key) error { got[low] = len(labels); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1] != 2 || got[4] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestCount(t *testing.T) {
	spec := small()
	spec.Users = 3000
	p := mustNew(t, spec)
	if got := p.Count(0, func(Held) bool { return true }); got != 3000 {
		t.Errorf("everybody: %d", got)
	}
	any := p.Count(0, func(h Held) bool { return h.Has(3) })
	split := p.Count(0, func(h Held) bool { return h.HasWithin(3, 0, 14) || h.HasWithin(3, 15, 29) })
	early := p.Count(0, func(h Held) bool { return h.HasWithin(3, 0, 14) })
	if any != split || early == 0 || early >= any {
		t.Errorf("any %d, either half %d, first half %d", any, split, early)
	}
}

func BenchmarkKeys(b *testing.B) {
	p, err := New(Spec{Users: ChunkUsers, Labels: 1000, PerUser: 20, DaysPerLabel: 2, Window: 30})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Keys(0, 0, 30)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/ChunkUsers, "ns/user")
}
