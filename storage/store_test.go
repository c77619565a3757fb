package storage

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sosie/storage/block"
)

// testClock is a clock that a test moves by hand.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newTestClock() *testClock {
	return &testClock{now: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *testClock) Day() Day { return DayOf(c.Now()) }

// openTest opens a store that is closed with the test.
func openTest(t testing.TB, options Options) *Store {
	t.Helper()
	if options.Dir == "" {
		options.Dir = filepath.Join(t.TempDir(), "data")
	}
	options.Reserve = max(options.Reserve, 1)
	s, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func declare(t testing.TB, s *Store, specs ...LabelSpec) []Label {
	t.Helper()
	labels, err := s.Declare(specs...)
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

func add(t testing.TB, s *Store, u Ordinal, day Day, labels ...Label) {
	t.Helper()
	var r Records
	r.Hit(u, day, labels...)
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
}

// users lists who carries a label at any time, or on the days given.
func users(t testing.TB, s *Store, l Label, days ...Day) []Ordinal {
	t.Helper()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	return viewUsers(t, s.View(), l, days...)
}

func viewUsers(t testing.TB, v *View, l Label, days ...Day) []Ordinal {
	t.Helper()
	out, err := tryUsers(v, l, days...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tryUsers is viewUsers for a view that may have outlived days on disk.
func tryUsers(v *View, l Label, days ...Day) (out []Ordinal, err error) {
	for c := range v.Chunks() {
		var w block.Words
		if len(days) == 2 {
			err = v.OrDays(&w, c, l, days[0], days[1])
		} else {
			err = v.OrAny(&w, c, l)
		}
		if err != nil {
			return nil, err
		}
		w.Each(func(low uint16) { out = append(out, At(c, low)) })
	}
	return out, nil
}

func wantUsers(t testing.TB, got []Ordinal, want ...Ordinal) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("users %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("users %v, want %v", got, want)
		}
	}
}

func TestHitIsSeenAndSurvivesReopening(t *testing.T) {
	dir, clock := t.TempDir(), newTestClock()
	s := openTest(t, Options{Dir: dir, Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "interest/tennis"})[0]
	site, err := s.DeclareSite("shop")
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, u, clock.Day(), l, site)
	add(t, s, u+70000, clock.Day(), site)
	for range 2 {
		wantUsers(t, users(t, s, l), u)
		wantUsers(t, users(t, s, Seen), u, u+70000)
		wantUsers(t, users(t, s, site, clock.Day(), clock.Day()), u, u+70000)
		wantUsers(t, users(t, s, site, clock.Day()-3, clock.Day()-1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, Options{Dir: dir, Clock: clock.Now})
	}
	if next, _ := s.NewUser(); next != u+1 {
		t.Errorf("next user %d, want %d: a clean end gives the lease back", next, u+1)
	}
}

func TestMidnightSealsAndRetentionForgets(t *testing.T) {
	dir, clock := t.TempDir(), newTestClock()
	s := openTest(t, Options{Dir: dir, Clock: clock.Now})
	labels := declare(t, s, LabelSpec{Name: "a", Retention: 2}, LabelSpec{Name: "b", Retention: 5})
	day0 := clock.Day()
	add(t, s, 1, day0, labels...)
	wantUsers(t, users(t, s, labels[0]), 1)
	for day := 1; day <= 6; day++ {
		clock.Advance(24 * time.Hour)
		add(t, s, 2, clock.Day()) // keeps the horizon moving
		if err := s.Seal(); err != nil {
			t.Fatal(err)
		}
		want := func(retention int, got []Ordinal) {
			t.Helper()
			if day < retention {
				wantUsers(t, got, 1)
			} else {
				wantUsers(t, got)
			}
		}
		want(2, users(t, s, labels[0]))
		want(5, users(t, s, labels[1]))
		want(5, users(t, s, labels[1], day0, day0))
		if day == 3 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, Options{Dir: dir, Clock: clock.Now})
		}
	}
	days := map[Day]bool{}
	for _, c := range s.View().chunks {
		for _, d := range c.sealed {
			days[d.day] = true
		}
	}
	if days[day0] {
		t.Errorf("day %s is still in the view after every label of it expired", day0)
	}
}

func TestLateEventsJoinTheirDay(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	add(t, s, 1, clock.Day(), l)
	clock.Advance(48 * time.Hour)
	add(t, s, 2, clock.Day(), l)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	late := clock.Day() - 2
	add(t, s, 3, late, l)
	wantUsers(t, users(t, s, l), 1, 2, 3)
	wantUsers(t, users(t, s, l, late, late), 1, 3)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	wantUsers(t, users(t, s, l), 1, 2, 3)
	wantUsers(t, users(t, s, l, late, late), 1, 3)
}

func TestFutureDayIsRefused(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	var r Records
	r.Hit(1, clock.Day()+2)
	if _, err := s.Append(&r); !errors.Is(err, ErrFuture) {
		t.Errorf("error %v, want ErrFuture", err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	openTest(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir, Reserve: 1}); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
}

func TestClockGoesBackAndForth(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	var r Records
	for u := range Ordinal(40_000) { // enough to be settled
		r.Hit(u, clock.Day(), l)
	}
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{40_000, 0, 40_000, 0, 40_000} {
		if got := len(users(t, s, l)); got != want {
			t.Errorf("after %d turns of the clock %d users, want %d", i, got, want)
		}
		if i%2 == 0 {
			clock.Advance(-24 * time.Hour)
		} else {
			clock.Advance(24 * time.Hour)
		}
		if i == 2 {
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestInForce: only what has expired is not, and reserved labels live as long
// as the longest of the others.
func TestInForce(t *testing.T) {
	s := openTest(t, Options{Clock: newTestClock().Now})
	l := declare(t, s, LabelSpec{Name: "short", Retention: 10}, LabelSpec{Name: "long", Retention: 500})
	source, err := s.DeclareSource("crm")
	if err != nil {
		t.Fatal(err)
	}
	if known, ok := s.Labels().Source("crm"); !ok || known != source {
		t.Errorf("source crm is %d %t, want %d", known, ok, source)
	}
	const on = Day(20_000)
	for _, row := range []struct {
		label Label
		day   Day
		want  bool
	}{
		{l[0], on, true}, {l[0], on + 1, true}, {l[0], on - 9, true}, {l[0], on - 10, false},
		{l[1], on - 499, true}, {l[1], on - 500, false}, {source, on - 499, true}, {Seen, on - 500, false}, {Label(99), on, false},
	} {
		if got := s.Labels().InForce(row.label, row.day, on); got != row.want {
			t.Errorf("label %d of day %s on %s: %t", row.label, row.day, on, got)
		}
	}
	if _, err := s.DeclareSource("no way"); err == nil {
		t.Error("a source with a space is declared")
	}
}

// TestNoLabelOutlivesThePopulation declares a label that is kept longer than any
// before it, over a store that has let its older days go: a row of those days
// counts nowhere, since its user could not be in the population.
func TestNoLabelOutlivesThePopulation(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	short := declare(t, s, LabelSpec{Name: "short", Retention: 30})
	add(t, s, 1, clock.Day(), short...)
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	long := declare(t, s, LabelSpec{Name: "long", Retention: 395})
	add(t, s, 2, clock.Day()-100, long...)
	add(t, s, 3, clock.Day()-10, long...)
	wantUsers(t, users(t, s, long[0]), 3)
	wantUsers(t, users(t, s, Seen), 1, 3)
}
