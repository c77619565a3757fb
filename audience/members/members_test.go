package members

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sosie/audience"
	"sosie/audience/segments"
	"sosie/storage"
)

// house is a store with the labels a and b, and its saved segments.
type house struct {
	*storage.Store
	shelf  *segments.Shelf
	labels []storage.Label
	today  storage.Day
}

func open(t testing.TB) *house {
	t.Helper()
	store, err := storage.Open(storage.Options{Dir: t.TempDir(), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{Store: store, today: storage.DayOf(time.Now())}
	if h.labels, err = store.Declare(storage.LabelSpec{Name: "a"}, storage.LabelSpec{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	h.do(t, func(*storage.Records) {}) // the labels show
	h.shelf = segments.New(store.Documents(), func(e audience.Expr, r audience.Resolver) error {
		_, _, err := audience.Compile(store.View(), e, r)
		return err
	}, nil)
	return h
}

// do appends what change records and waits until it shows.
func (h *house) do(t testing.TB, change func(*storage.Records)) {
	t.Helper()
	var r storage.Records
	change(&r)
	if r.Len() > 0 {
		if _, err := h.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Sync(); err != nil {
		t.Fatal(err)
	}
}

// publish saves a segment and publishes it.
func (h *house) publish(t testing.TB, name, expression string, to ...string) {
	t.Helper()
	_, err := h.shelf.Save(segments.Segment{Name: name, Expression: expression}, false)
	for _, to := range to {
		err = errors.Join(err, h.shelf.Publish(name, to))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func refreshed(t testing.TB, h *house) *Members {
	t.Helper()
	h.do(t, func(*storage.Records) {})
	m := New(h, Options{})
	if err := m.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t *testing.T, m *Members, to string, u storage.Ordinal, names ...string) {
	t.Helper()
	if got, stamp := m.Of(nil, to, u); !slices.Equal(got, names) || stamp.At.IsZero() {
		t.Errorf("%s is told of user %d: %v, true of %v, want %v", to, u, got, stamp, names)
	}
}

func TestEachIsToldWhatIsPublishedToIt(t *testing.T) {
	h := open(t)
	h.do(t, func(r *storage.Records) {
		r.Hit(1, h.today, h.labels[0])
		r.Hit(2, h.today, h.labels[1])
		r.Hit(3<<16|3, h.today, h.labels...)
	})
	h.publish(t, "only-a", "a", "site/shop", "partner/dsp")
	h.publish(t, "only-b", "b", "partner/dsp")
	h.publish(t, "neither", "not segment(only-a) and not b", "partner/dsp")
	h.publish(t, "kept", "a or b")
	m := refreshed(t, h)
	want(t, m, "site/shop", 1, "only-a")
	want(t, m, "site/shop", 2)
	want(t, m, "partner/dsp", 2, "only-b")
	want(t, m, "partner/dsp", 3<<16|3, "only-a", "only-b")
	want(t, m, "partner/dsp", 4)
	want(t, m, "partner/dsp", 1<<31)
	want(t, m, "partner/other", 1)
	want(t, m, "shop", 1)
	if s := m.Status(); s.Segments != 3 || s.Memory == 0 || s.Failure != "" {
		t.Errorf("status %+v", s)
	}
}

// An evaluation says who was in a segment; the masks of the moment say who may be
// told of.
func TestMasksCountBeforeTheNextEvaluation(t *testing.T) {
	h := open(t)
	h.publish(t, "everybody", "seen", "site/shop")
	h.do(t, func(r *storage.Records) {
		for u := range storage.Ordinal(6) {
			r.Hit(u, h.today)
		}
		r.Mask(storage.OptedOut, 5, true)
	})
	m := refreshed(t, h)
	for u := range storage.Ordinal(5) {
		want(t, m, "site/shop", u, "everybody")
	}
	want(t, m, "site/shop", 5)
	h.do(t, func(r *storage.Records) {
		for u, mask := range []storage.Mask{storage.Erased, storage.OptedOut, storage.Robot, storage.NoConsent} {
			r.Mask(mask, storage.Ordinal(u), true)
		}
	})
	for u := range storage.Ordinal(4) {
		want(t, m, "site/shop", u)
	}
	want(t, m, "site/shop", 4, "everybody")
}

func TestNothingIsEvaluatedWhileNothingChanges(t *testing.T) {
	h := open(t)
	h.publish(t, "only-a", "a", "site/shop")
	m := refreshed(t, h)
	before := m.now.Load()
	if err := m.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := m.now.Load(); &after.names[0] != &before.names[0] {
		t.Error("evaluated again, and nothing had changed")
	} else if !after.checked.After(before.checked) {
		t.Error("the answer did not become younger")
	}
	h.do(t, func(r *storage.Records) { r.Hit(7, h.today, h.labels[0]) })
	want(t, m, "site/shop", 7)
	if err := m.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, m, "site/shop", 7, "only-a")
	if err := h.shelf.Unpublish("only-a", "site/shop"); err != nil {
		t.Fatal(err)
	}
	h.do(t, func(*storage.Records) {})
	if err := m.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, m, "site/shop", 7)
}

func TestOldMembershipsAreNotTold(t *testing.T) {
	h := open(t)
	m := New(h, Options{})
	if names, stamp := m.Of(nil, "site/shop", 1); len(names) > 0 || !stamp.At.IsZero() || !errors.Is(m.Err(), ErrStale) {
		t.Errorf("before the first evaluation: %v, %v, %v", names, stamp, m.Err())
	}
	h.publish(t, "everybody", "seen", "site/shop")
	h.do(t, func(r *storage.Records) { r.Hit(1, h.today) })
	if err := m.Refresh(context.Background()); err != nil || m.Err() != nil {
		t.Fatal(err, m.Err())
	}
	old := *m.now.Load()
	old.checked = old.checked.Add(-MaxAge - time.Second)
	m.now.Store(&old)
	if names, stamp := m.Of(nil, "site/shop", 1); len(names) > 0 || !stamp.At.IsZero() || !errors.Is(m.Err(), ErrStale) {
		t.Errorf("after a minute: %v, %v, %v", names, stamp, m.Err())
	}
}

// stalled is a house whose view stays what it was.
type stalled struct {
	*house
	view *storage.View
}

func (s *stalled) View() *storage.View { return s.view }

// An opt-out that the store has taken and cannot show ends the answers; a house in
// which nothing happens goes on answering.
func TestNothingIsToldBeyondAStalledView(t *testing.T) {
	h := open(t)
	h.publish(t, "everybody", "seen", "site/shop")
	h.do(t, func(r *storage.Records) { r.Hit(1, h.today); r.Hit(2, h.today) })
	s := &stalled{h, h.View()}
	m := New(s, Options{})
	refresh := func(want error) {
		t.Helper()
		if err := m.Refresh(context.Background()); !errors.Is(err, want) {
			t.Fatalf("error %v, want %v", err, want)
		}
	}
	pass := func(d time.Duration) { // as if it had
		old := *m.now.Load()
		old.checked, m.owed.at = old.checked.Add(-d), m.owed.at.Add(-d)
		m.now.Store(&old)
	}
	record := func(change func(*storage.Records)) {
		t.Helper()
		var r storage.Records
		change(&r)
		if _, err := h.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	refresh(nil)
	for range 3 { // nothing is owed, however old the view
		pass(MaxAge + time.Second)
		refresh(nil)
		want(t, m, "site/shop", 1, "everybody")
	}
	record(func(r *storage.Records) { r.Mask(storage.OptedOut, 1, true) })
	refresh(nil) // is new to it
	record(func(r *storage.Records) { r.Hit(3, h.today) })
	pass(MaxAge / 2)
	refresh(nil)
	want(t, m, "site/shop", 2, "everybody")
	pass(MaxAge/2 + time.Second)
	for range 2 {
		if names, stamp := m.Of(nil, "site/shop", 1); len(names) > 0 || !stamp.At.IsZero() || !errors.Is(m.Err(), ErrStale) {
			t.Errorf("told, a minute after the opt-out: %v, %v, %v", names, stamp, m.Err())
		}
		refresh(ErrBehind)
	}
	if err := m.Err(); !errors.Is(err, ErrBehind) || m.Status().Failure == "" {
		t.Errorf("told: %v, status %+v", err, m.Status())
	}
	h.do(t, func(*storage.Records) {})
	s.view = h.View()
	refresh(nil)
	want(t, m, "site/shop", 1)
	want(t, m, "site/shop", 3, "everybody")
}

// A view that moves on, and still lacks what was owed, is no younger for it.
func TestASlowViewIsAsOldAsWhatItLacks(t *testing.T) {
	h := open(t)
	h.publish(t, "everybody", "seen", "site/shop")
	h.do(t, func(r *storage.Records) { r.Hit(1, h.today) })
	s := &stalled{h, h.View()}
	m := New(s, Options{})
	h.do(t, func(r *storage.Records) { r.Hit(2, h.today) })
	halfway := h.View()
	h.do(t, func(r *storage.Records) { r.Mask(storage.OptedOut, 1, true) })
	for _, view := range []*storage.View{s.view, halfway} {
		s.view = view
		if err := m.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.owed.at = m.owed.at.Add(-MaxAge / 2)
	}
	want(t, m, "site/shop", 2, "everybody")
	if age := time.Since(m.now.Load().checked); age < MaxAge/2 {
		t.Errorf("%s old", age)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	h := open(t)
	h.publish(t, "everybody", "seen", "site/shop")
	h.do(t, func(r *storage.Records) {
		for u := range storage.Ordinal(1000) {
			r.Hit(u, h.today)
		}
	})
	m := New(h, Options{Memory: 1000})
	if err := m.Refresh(context.Background()); !errors.Is(err, ErrMemory) {
		t.Errorf("error %v", err)
	}
	if err := m.Err(); !errors.Is(err, ErrMemory) || m.Status().Failure == "" {
		t.Errorf("told: %v, status %+v", err, m.Status())
	}
}

func TestRunEvaluatesUntilItsEnd(t *testing.T) {
	h := open(t)
	h.publish(t, "only-a", "a", "site/shop")
	h.do(t, func(*storage.Records) {})
	m := New(h, Options{Every: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { m.Run(ctx); close(ended) }()
	h.do(t, func(r *storage.Records) { r.Hit(9, h.today, h.labels[0]) })
	for deadline := time.Now().Add(10 * time.Second); ; {
		if names, _ := m.Of(nil, "site/shop", 9); len(names) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the user never came in")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
}

func BenchmarkOf(b *testing.B) {
	h := open(b)
	for _, name := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"} {
		h.publish(b, name, "a or b", "site/shop")
	}
	h.do(b, func(r *storage.Records) {
		for u := range storage.Ordinal(10_000) {
			r.Hit(u, h.today, h.labels[u%2])
		}
	})
	m := refreshed(b, h)
	names := make([]string, 0, 10)
	b.ReportAllocs()
	for u := storage.Ordinal(0); b.Loop(); u = (u + 7) % 20_000 {
		names, _ = m.Of(names[:0], "site/shop", u)
	}
}
