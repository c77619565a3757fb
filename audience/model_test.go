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
	users     map[storage.Ordinal]map[string]map[storage.Day]bool
	masked    map[storage.Mask]map[storage.Ordinal]bool
}

// tagged reports whether the user carries the label on one of the last days;
// windows never reach further back than the label's retention.
func (m *model) tagged(u storage.Ordinal, name string, days int) bool {
	for d := range m.users[u][name] {
		if d <= m.today && d > m.today-storage.Day(min(days, m.retention[name])) {
			return true
		}
	}
	return false
}

func (m *model) has(u storage.Ordinal, e Expr, days int) bool {
	switch e := e.(type) {
	case *Label:
		return m.tagged(u, e.Name, days)
	case *Prefix:
		for name := range m.retention {
			if strings.HasPrefix(name, e.Prefix) && m.tagged(u, name, days) {
				return true
			}
		}
		return false
	case *Within:
		return m.has(u, e.Of, e.Days)
	case *Not:
		return m.tagged(u, "seen", days) && !m.has(u, e.Of, days)
	case *And:
		return !slices.ContainsFunc(e.Parts, func(part Expr) bool { return !m.has(u, part, days) })
	case *Or:
		return slices.ContainsFunc(e.Parts, func(part Expr) bool { return m.has(u, part, days) })
	}
	panic(fmt.Sprintf("unknown kind %T", e))
}

func (m *model) answer(e Expr, without ...storage.Mask) []storage.Ordinal {
	var found []storage.Ordinal
	for _, u := range slices.Sorted(maps.Keys(m.users)) {
		if m.has(u, e, storage.MaxRetention) && !slices.ContainsFunc(without, func(k storage.Mask) bool { return m.masked[k][u] }) {
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
	var found []storage.Ordinal
	err := Each(context.Background(), s, func(chunk int, w *block.Words) error {
		w.Each(func(low uint16) { found = append(found, storage.At(chunk, low)) })
		return nil
	})
	if err != nil {
		t.Fatalf("each: %v", err)
	}
	if n, err := Count(context.Background(), s); err != nil || n != uint64(len(found)) {
		t.Fatalf("count: %d, %v, but %d users", n, err, len(found))
	}
	return found
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
			rapid.Check(t, func(t *rapid.T) {
				e := prefixed(expressions(names).Draw(t, "expression"))
				set, _, err := Compile(v, e)
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
