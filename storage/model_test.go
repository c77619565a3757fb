package storage

import (
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sosie/storage/block"
)

var histories = flag.Int("histories", 6, "random histories compared with the model; the full proof takes 1000")

// model is the store as plain maps.
type model struct {
	clock     *testClock
	tags      map[Label]map[Ordinal]map[Day]bool
	masks     [maskCount]map[Ordinal]bool
	retention map[Label]int
	floor     map[Label]Day
	reserved  map[Label]bool
	deleted   map[Label]bool
	ids       map[string]map[Ordinal]bool // external id → users
	idOf      map[Ordinal]string
	documents map[string]string
	empty     bool // nothing has been recorded yet
}

func newModel(clock *testClock) *model {
	m := &model{clock: clock, tags: map[Label]map[Ordinal]map[Day]bool{}, retention: map[Label]int{}, floor: map[Label]Day{},
		reserved: map[Label]bool{Seen: true}, deleted: map[Label]bool{}, ids: map[string]map[Ordinal]bool{}, idOf: map[Ordinal]string{}, documents: map[string]string{}, empty: true}
	for i := range m.masks {
		m.masks[i] = map[Ordinal]bool{}
	}
	return m
}

// keep is a label's retention: the reserved ones share the longest.
func (m *model) keep(l Label) int {
	if !m.reserved[l] {
		return m.retention[l]
	}
	longest := 0
	for l, r := range m.retention {
		if !m.deleted[l] {
			longest = max(longest, r)
		}
	}
	if longest == 0 {
		return DefaultRetention
	}
	return longest
}

func (m *model) inForce(l Label, d Day) bool {
	today := m.clock.Day()
	return !m.deleted[l] && d <= today && d > today-Day(m.keep(l)) && d > m.floor[l] && d > m.floor[Seen]
}

func (m *model) hit(u Ordinal, day Day, labels ...Label) {
	if m.masks[Erased][u] {
		return
	}
	m.empty = false
	for _, l := range append([]Label{Seen}, labels...) {
		if m.tags[l] == nil {
			m.tags[l] = map[Ordinal]map[Day]bool{}
		}
		if m.tags[l][u] == nil {
			m.tags[l][u] = map[Day]bool{}
		}
		m.tags[l][u][day] = true
	}
}

// declare changes a label's retention; what has expired stays so.
func (m *model) declare(l Label, retention int) {
	if old, ok := m.retention[l]; ok && retention > old && !m.empty {
		m.floor[l] = max(m.floor[l], m.clock.Day()-Day(old))
	}
	m.relabel(func() { m.retention[l] = retention })
}

// relabel changes labels; where that lengthens the retention of the reserved
// ones, what has expired of them stays so.
func (m *model) relabel(change func()) {
	today := m.clock.Day()
	before := map[Label]int{}
	for r := range m.reserved {
		before[r] = m.keep(r)
	}
	change()
	for r, old := range before {
		if !m.empty && m.keep(r) > old {
			m.floor[r] = max(m.floor[r], today-Day(old))
		}
	}
}

func (m *model) setID(external string, u Ordinal) {
	if m.masks[Erased][u] {
		return
	}
	m.empty = false
	if old, ok := m.idOf[u]; ok && old != external {
		delete(m.ids[old], u)
	}
	m.idOf[u] = external
	if m.ids[external] == nil {
		m.ids[external] = map[Ordinal]bool{}
	}
	m.ids[external][u] = true
}

func (m *model) users(l Label, from, to Day) []Ordinal {
	var out []Ordinal
	for u, days := range m.tags[l] {
		for d := range days {
			if d >= from && d <= to && m.inForce(l, d) && !m.masks[Erased][u] {
				out = append(out, u)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// compare checks every answer of a store against the model.
func (m *model) compare(t *testing.T, s *Store, space Space, r *rand.Rand) {
	t.Helper()
	today := m.clock.Day()
	var v *View
	for end := time.Now().Add(time.Minute); ; {
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		if v = s.View(); v.Stamp().Day == today {
			// Days may expire under a view that the fold published in the middle of
			// this midnight; a new one answers.
			if err := m.compareLabels(t, v, r); err == nil {
				break
			} else if !errors.Is(err, ErrStale) {
				t.Fatal(err)
			}
		}
		// The fold is in the middle of an earlier midnight.
		if time.Now().After(end) {
			t.Fatalf("view is of day %s, want %s", v.Stamp().Day, today)
		}
	}
	for mask := range maskCount {
		n := 0
		for c := range v.Chunks() {
			var w block.Words
			v.OrMask(&w, c, mask)
			n += w.Count()
		}
		if n != len(m.masks[mask]) {
			t.Fatalf("mask %s has %d users, want %d", mask, n, len(m.masks[mask]))
		}
		for u := range m.masks[mask] {
			if !v.Masked(mask, u) {
				t.Fatalf("mask %s lacks user %d", mask, u)
			}
		}
	}
	m.compareIDs(t, s, space)
	report, err := s.Examine()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if len(c.Problems) > 0 {
			t.Fatalf("the examination of %s (%s) finds %v", c.Name, c.Checked, c.Problems)
		}
	}
	for which, got := range map[string]iter.Seq2[string, []byte]{"now": s.Documents().List("note"), "in the view": v.Documents("note")} {
		found := map[string]string{}
		for name, value := range got {
			found[name] = string(value)
		}
		if !maps.Equal(found, m.documents) {
			t.Fatalf("documents %s: %v, want %v", which, found, m.documents)
		}
	}
}

func (m *model) compareLabels(t *testing.T, v *View, r *rand.Rand) error {
	t.Helper()
	today := v.Stamp().Day
	alive := func(got []Ordinal) []Ordinal {
		return slices.DeleteFunc(got, func(u Ordinal) bool { return v.Masked(Erased, u) })
	}
	for l := range Label(v.Labels().Len()) {
		got, err := tryUsers(v, l)
		if err != nil {
			return err
		}
		if got, want := alive(got), m.users(l, 0, today); !slices.Equal(got, want) {
			t.Fatalf("label %d at any time: users %v, want %v", l, got, want)
		}
		from := today - Day(r.IntN(12))
		to := from + Day(r.IntN(5))
		if got, err = tryUsers(v, l, from, to); err != nil {
			return err
		}
		if got, want := alive(got), m.users(l, from, to); !slices.Equal(got, want) {
			t.Fatalf("label %d from %s to %s: users %v, want %v", l, from, to, got, want)
		}
	}
	return nil
}

func (m *model) compareIDs(t *testing.T, s *Store, space Space) {
	t.Helper()
	for external, want := range m.ids {
		got, err := s.IDs().Holders(space, []byte(external))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("id %s names %v, want %v", external, got, want)
		}
		for _, u := range got {
			if !want[u] {
				t.Fatalf("id %s names %v, want %v", external, got, want)
			}
		}
	}
	found := 0
	for page := range uint32(modelUsers>>8 + 1) {
		err := s.IDs().Page(space, page, func(u Ordinal, external []byte) error {
			if m.idOf[u] != string(external) {
				return fmt.Errorf("user %d has id %s, want %s", u, external, m.idOf[u])
			}
			found++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found != len(m.idOf) {
		t.Fatalf("pages hold %d ids, want %d", found, len(m.idOf))
	}
}

// step is one thing that happens to a store and its model alike. An error of
// apply is the store's; the model changes only when there is none.
type step struct {
	name  string
	apply func(s *Store) error
	model func(m *model)
}

const modelUsers = 70_000 // two chunks

// history draws the steps of a store's life. It needs the numbers of the labels
// it will declare: they are given out in order.
func history(r *rand.Rand, clock *testClock, n int) []step {
	day := clock.Day() // as of the step being drawn
	steps := []step{declareStep(1, 20), declareStep(2, 4), declareStep(3, 9), {
		name:  "declare space",
		apply: func(s *Store) error { _, err := s.Space("crm"); return err },
		model: func(*model) {},
	}}
	user := func() Ordinal {
		if r.IntN(4) == 0 {
			return Ordinal(65_530 + r.IntN(40)) // around the border of two chunks
		}
		return Ordinal(r.IntN(40))
	}
	deleted := map[Label]bool{}
	for range n {
		switch k := r.IntN(100); {
		case k < 5:
			name, value := fmt.Sprint("note-", r.IntN(5)), fmt.Sprint(r.IntN(1000))
			gone := r.IntN(4) == 0
			steps = append(steps, step{
				name: "document",
				apply: func(s *Store) error {
					return s.Documents().Edit(func(e *Edit) error {
						if !gone {
							return e.Put("note", name, []byte(value))
						}
						if err := e.Delete("note", name); !errors.Is(err, ErrNoDocument) {
							return err
						}
						return nil
					})
				},
				model: func(m *model) {
					if m.documents[name] = value; gone {
						delete(m.documents, name)
					}
				},
			})
		case k < 55:
			u, d := user(), day
			if r.IntN(4) == 0 {
				d -= Day(r.IntN(12))
			}
			var labels []Label
			for l := Label(1); l <= 3; l++ {
				if r.IntN(2) == 0 {
					labels = append(labels, l)
				}
			}
			steps = append(steps, recordStep("hit", func(rec *Records) { rec.Hit(u, d, labels...) }, func(m *model) { m.hit(u, d, labels...) }))
		case k < 63:
			u, mask, on := user(), Mask(r.IntN(int(maskCount))), r.IntN(3) > 0
			if mask == Erased {
				on = true
			}
			steps = append(steps, recordStep("mask", func(rec *Records) { rec.Mask(mask, u, on) }, func(m *model) {
				if on {
					m.masks[mask][u] = true
					if mask == Erased {
						delete(m.ids[m.idOf[u]], u)
						delete(m.idOf, u)
					}
				} else {
					delete(m.masks[mask], u)
				}
			}))
		case k < 70:
			u, external, d := user(), fmt.Sprintf("id-%d", r.IntN(30)), day
			steps = append(steps, recordStep("id", func(rec *Records) { rec.ID(0, []byte(external), u, d) }, func(m *model) { m.setID(external, u) }))
		case k < 80:
			by := time.Duration(1+r.IntN(40)) * time.Hour
			if r.IntN(12) == 0 {
				by = 24 * 6 * time.Hour // more than the clock may jump without a word
			}
			steps = append(steps, step{name: "advance", apply: func(*Store) error { clock.Advance(by); return nil }, model: func(*model) {}})
			day = DayOf(clock.Now().Add(by))
			clock.Advance(by) // wound back below
		case k < 83:
			if l := Label(1 + r.IntN(3)); !deleted[l] {
				steps = append(steps, declareStep(l, 1+r.IntN(20)))
			}
		case k < 84:
			if l := Label(1 + r.IntN(3)); !deleted[l] {
				deleted[l] = true
				steps = append(steps, step{
					name:  "delete label",
					apply: func(s *Store) error { return s.DeleteLabel(fmt.Sprint("label-", l)) },
					model: func(m *model) { m.relabel(func() { m.deleted[l] = true }) },
				})
			}
		case k < 86:
			steps = append(steps, step{name: "confirm clock", apply: func(s *Store) error { return s.ConfirmClock() }, model: func(*model) {}})
		case k < 93:
			steps = append(steps, step{name: "checkpoint", apply: func(s *Store) error { return s.Checkpoint() }, model: func(*model) {}})
		case k < 96:
			steps = append(steps, step{name: "purge", apply: func(s *Store) error { return s.Purge() }, model: func(*model) {}})
		default:
			steps = append(steps, step{name: "seal", apply: func(s *Store) error { return s.Seal() }, model: func(*model) {}})
		}
	}
	return steps
}

func recordStep(name string, build func(*Records), model func(*model)) step {
	return step{name: name, model: model, apply: func(s *Store) error {
		var r Records
		build(&r)
		_, err := s.Append(&r)
		return err
	}}
}

func declareStep(l Label, retention int) step {
	return step{
		name: "declare",
		apply: func(s *Store) error {
			_, err := s.Declare(LabelSpec{Name: fmt.Sprint("label-", l), Retention: retention})
			return err
		},
		model: func(m *model) { m.declare(l, retention) },
	}
}

// drawHistory draws a history and winds the clock back to its start.
func drawHistory(seed uint64, clock *testClock, n int) []step {
	start := clock.Now()
	steps := history(rand.New(rand.NewPCG(seed, 7)), clock, n)
	clock.Advance(start.Sub(clock.Now()))
	return steps
}

func TestRandomHistoriesAgainstModel(t *testing.T) {
	for seed := range uint64(*histories) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			clock := newTestClock()
			options := Options{Dir: t.TempDir(), Clock: clock.Now}
			if seed%3 == 0 {
				options.Memory = 1 // nothing sealed stays in memory
			}
			if seed%2 == 0 {
				options.settle = 1 // every publication settles
			}
			s := openTest(t, options)
			m := newModel(clock)
			r := rand.New(rand.NewPCG(seed, 8))
			for i, step := range drawHistory(seed, clock, 150) {
				if err := step.apply(s); err != nil {
					t.Fatalf("step %d, %s: %v", i, step.name, err)
				}
				step.model(m)
				if r.IntN(8) == 0 {
					m.compare(t, s, 0, r)
				}
				if r.IntN(40) == 0 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = openTest(t, options)
					m.compare(t, s, 0, r)
				}
			}
			m.compare(t, s, 0, r)
		})
	}
}
