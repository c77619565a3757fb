package audience

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// noon is the fixed time of every store under test.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func openStore(t testing.TB) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: t.TempDir(), Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// model is what a store should hold, in plain maps, and what every operator
// means, in plain loops.
type model struct {
	today     storage.Day
	retention map[string]int
	floor     map[string]storage.Day // days up to it had expired when a retention grew
	users     map[storage.Ordinal]map[string]map[storage.Day]bool
	masked    map[storage.Mask]map[storage.Ordinal]bool
	segments  map[string]Expr
}

// days are the days of the last so many up to one on which the user carries
// any label of e, as far as they were in force then and are still held.
func (m *model) days(u storage.Ordinal, e Expr, on storage.Day, within int) map[storage.Day]bool {
	found := map[storage.Day]bool{}
	label := func(name string) {
		retention := storage.Day(m.retention[name])
		first := max(on-min(storage.Day(within), retention)+1, m.today-retention+1, m.floor[name]+1, m.floor["seen"]+1)
		for d := range m.users[u][name] {
			if d >= first && d <= on && d <= m.today {
				found[d] = true
			}
		}
	}
	switch e := e.(type) {
	case *Label:
		label(e.Name)
	case *Prefix:
		for name := range m.retention {
			if strings.HasPrefix(name, e.Prefix) {
				label(name)
			}
		}
	case *Within:
		return m.days(u, e.Of, on, e.Days)
	case *Between:
		found = m.days(u, e.Of, on, within)
		maps.DeleteFunc(found, func(d storage.Day, _ bool) bool { return d < e.From || d > e.To })
	case *Or:
		for _, part := range e.Parts {
			maps.Copy(found, m.days(u, part, on, within))
		}
	default:
		panic(fmt.Sprintf("kind %T has no days", e))
	}
	return found
}

func (m *model) has(u storage.Ordinal, e Expr, on storage.Day) bool {
	const all = storage.MaxRetention
	switch e := e.(type) {
	case *Label, *Prefix, *Within, *Between:
		return len(m.days(u, e, on, all)) > 0
	case *Frequency:
		within := e.Days
		if within == 0 {
			within = all
		}
		return len(m.days(u, e.Of, on, within)) >= e.AtLeast
	case *Then:
		second := m.days(u, e.Second, on, all)
		for a := range m.days(u, e.First, on, all) {
			for b := range second {
				if a < b && (e.Gap == 0 || b <= a+storage.Day(e.Gap)) {
					return true
				}
			}
		}
		return false
	case *Not:
		return len(m.days(u, &Label{Name: "seen"}, on, all)) > 0 && !m.has(u, e.Of, on)
	case *And:
		return !slices.ContainsFunc(e.Parts, func(part Expr) bool { return !m.has(u, part, on) })
	case *Or:
		return slices.ContainsFunc(e.Parts, func(part Expr) bool { return m.has(u, part, on) })
	case *AsOf:
		return m.has(u, e.Of, e.Day)
	case *Call:
		return m.has(u, m.segments[e.Name], on)
	}
	panic(fmt.Sprintf("unknown kind %T", e))
}

// Resolve makes a model a Resolver.
func (m *model) Resolve(_, name string) (Definition, bool, error) {
	e, ok := m.segments[name]
	return Definition{Expr: e}, ok, nil
}

func (m *model) Names(string) []string { return slices.Sorted(maps.Keys(m.segments)) }

func (m *model) answer(e Expr, without ...storage.Mask) []storage.Ordinal {
	var found []storage.Ordinal
	for _, u := range slices.Sorted(maps.Keys(m.users)) {
		if m.has(u, e, m.today) && !slices.ContainsFunc(without, func(k storage.Mask) bool { return m.masked[k][u] }) {
			found = append(found, u)
		}
	}
	return found
}

// history fills a store and its model with the same random hits and masks:
// three chunks, days from tomorrow back to past every retention.
func history(t testing.TB, s *storage.Store, r *rand.Rand) *model {
	m := &model{
		today:     storage.DayOf(noon),
		retention: map[string]int{"a/1": 5, "a/2": 30, "a/3": 390, "b/1": 0, "b/2": 1, "or": 12},
		users:     map[storage.Ordinal]map[string]map[storage.Day]bool{},
		masked:    map[storage.Mask]map[storage.Ordinal]bool{storage.Erased: {}, storage.OptedOut: {}, storage.Robot: {}},
		segments:  map[string]Expr{"one": &Label{Name: "a/1"}, "two-three": &Not{&Call{Function: FuncSegment, Name: "one"}}, "or": &Within{Of: &Prefix{Prefix: "b/"}, Days: 9}},
	}
	names := slices.Sorted(maps.Keys(m.retention))
	// One declaration: the reserved labels' retention never grows over days
	// that had expired before.
	specs := make([]storage.LabelSpec, 0, len(names))
	for _, name := range names {
		specs = append(specs, storage.LabelSpec{Name: name, Retention: m.retention[name]})
	}
	if _, err := s.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	m.retention["b/1"] = storage.DefaultRetention
	if _, err := s.DeclareSite("shop"); err != nil {
		t.Fatal(err)
	}
	m.retention["site/shop"], m.retention["seen"] = storage.DefaultRetention, storage.DefaultRetention
	var users []storage.Ordinal
	for len(users) < 150 {
		users = append(users, storage.Ordinal(r.IntN(3)<<16+r.IntN(100)*600))
	}
	var batch storage.Records
	for range 1500 {
		u, name := users[r.IntN(len(users))], names[r.IntN(len(names))]
		ago := []int{r.IntN(8) - 1, r.IntN(40), r.IntN(500)}[r.IntN(3)]
		day := m.today - storage.Day(ago)
		labels := []string{name, "site/shop"}[:r.IntN(3)]
		var numbers []storage.Label
		for _, name := range labels {
			l, _ := s.Labels().Lookup(name)
			numbers = append(numbers, l)
		}
		batch.Hit(u, day, numbers...)
		for _, name := range append(labels, "seen") {
			if m.users[u] == nil {
				m.users[u] = map[string]map[storage.Day]bool{}
			}
			if m.users[u][name] == nil {
				m.users[u][name] = map[storage.Day]bool{}
			}
			m.users[u][name][day] = true
		}
	}
	for range 30 {
		k, u := storage.Mask(r.IntN(3)), users[r.IntN(len(users))]
		batch.Mask(k, u, true)
		m.masked[k][u] = true
	}
	if _, err := s.Append(&batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	return m
}

// users lists a set with Each and checks Count against it.
func users(t interface{ Fatalf(string, ...any) }, s Set) []storage.Ordinal {
	found, err := listed(s)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return found
}

func listed(s Set) (found []storage.Ordinal, err error) {
	err = Each(context.Background(), s, func(chunk int, w *block.Words) error {
		w.Each(func(low uint16) { found = append(found, storage.At(chunk, low)) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	n, err := Count(context.Background(), s)
	if err == nil && n != uint64(len(found)) {
		err = fmt.Errorf("count: %d, but %d users", n, len(found))
	}
	return found, err
}

// Every operator, over random histories, against plain maps. Erased users may
// or may not still be in a bare formula; they never are in a permitted one.
func TestAgainstModel(t *testing.T) {
	names := rapid.SampledFrom([]string{"a/1", "a/2", "a/3", "b/1", "b/2", "or", "seen", "site/shop"})
	for _, seed := range []uint64{1, 2, 3, rand.Uint64()} {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			s := openStore(t)
			m := history(t, s, seeded(seed))
			v := s.View()
			recent := rapid.Map(rapid.OneOf(rapid.IntRange(0, 12), rapid.IntRange(0, 60), rapid.IntRange(0, 450)), func(ago int) storage.Day { return m.today - storage.Day(ago) })
			rapid.Check(t, func(t *rapid.T) {
				e := prefixed(expressions(names, recent).Draw(t, "expression"))
				set, _, err := Compile(v, e, m)
				if err != nil {
					t.Fatalf("compile %s: %v", e, err)
				}
				for _, row := range []struct {
					op      permit.Operation
					without []storage.Mask
				}{
					{permit.Count, []storage.Mask{storage.Erased, storage.OptedOut}},
					{permit.Export, []storage.Mask{storage.Erased, storage.OptedOut, storage.Robot}},
				} {
					got, want := users(t, Permitted(set, v, row.op)), m.answer(e, row.without...)
					if !slices.Equal(got, want) {
						t.Fatalf("%s of %s: users %v, want %v", row.op, e, got, want)
					}
				}
			})
		})
	}
}

// prefixed cuts the generator's prefixes to ones that have labels: a/1/* is
// written a/*.
func prefixed(e Expr) Expr {
	each := func(parts []Expr) []Expr {
		out := make([]Expr, 0, len(parts))
		for _, part := range parts {
			out = append(out, prefixed(part))
		}
		return out
	}
	switch e := e.(type) {
	case *Prefix:
		first, _, _ := strings.Cut(e.Prefix, "/")
		return &Prefix{Prefix: first + "/"}
	case *Within:
		return &Within{Of: prefixed(e.Of), Days: e.Days}
	case *Frequency:
		return &Frequency{Of: prefixed(e.Of), AtLeast: e.AtLeast, Days: e.Days}
	case *Between:
		return &Between{Of: prefixed(e.Of), From: e.From, To: e.To}
	case *Then:
		return &Then{First: prefixed(e.First), Second: prefixed(e.Second), Gap: e.Gap}
	case *AsOf:
		return &AsOf{Of: prefixed(e.Of), Day: e.Day}
	case *Not:
		return &Not{prefixed(e.Of)}
	case *And:
		return &And{each(e.Parts)}
	case *Or:
		return &Or{each(e.Parts)}
	}
	return e
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
