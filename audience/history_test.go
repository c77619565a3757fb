package audience

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sosie/audience/permit"
	"sosie/storage"
)

var (
	histories = flag.Int("histories", 12, "random histories of the language's model test; the full proof takes 10000")
	questions = flag.Int("questions", 8, "random expressions asked of each history")
	firstSeed = flag.Uint64("seed", 0, "first seed of the random histories; 0 draws one")
)

// life is a store and its model over months: hits, late ones too, masks and
// erasures, retentions that change, midnights, restarts.
type life struct {
	t       *testing.T
	r       *rand.Rand
	options storage.Options
	store   *storage.Store
	model   *model
	at      atomic.Int64 // Unix nanoseconds; the store looks at it too
	names   []string
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, r: seeded(seed), names: []string{"a/1", "a/2", "a/3", "b/1", "b/2", "or"}}
	l.at.Store(noon.Add(-300 * 24 * time.Hour).UnixNano())
	l.options = storage.Options{Dir: t.TempDir(), Clock: l.now, Reserve: 1}
	if l.r.IntN(3) == 0 {
		l.options.Memory = 1 // what is sealed is read from disk
	}
	l.model = &model{
		retention: map[string]int{}, floor: map[string]storage.Day{},
		users:    map[storage.Ordinal]map[string]map[storage.Day]bool{},
		masked:   map[storage.Mask]map[storage.Ordinal]bool{storage.Erased: {}, storage.OptedOut: {}, storage.Robot: {}},
		segments: map[string]Expr{"one": &Label{Name: "a/1"}, "two-three": &Not{&Call{Function: FuncSegment, Name: "one"}}, "or": &Within{Of: &Prefix{Prefix: "b/"}, Days: 9}},
	}
	l.open()
	for _, name := range l.names {
		l.declare(name, []int{1, 2, 5, 12, 40}[l.r.IntN(5)])
	}
	return l
}

func (l *life) now() time.Time { return time.Unix(0, l.at.Load()).UTC() }

func (l *life) today() storage.Day { return storage.DayOf(l.now()) }

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) open() {
	var err error
	l.store, err = storage.Open(l.options)
	l.must(err)
}

// declare changes a label's retention. What has expired stays so, of the label
// and of the reserved one that is kept as long as the longest.
func (l *life) declare(name string, retention int) {
	m, today := l.model, l.today()
	_, err := l.store.Declare(storage.LabelSpec{Name: name, Retention: retention})
	l.must(err)
	begun := len(m.users) > 0
	if old := m.retention[name]; begun && retention > old {
		m.floor[name] = max(m.floor[name], today-storage.Day(old))
	}
	m.retention[name] = retention
	seen := 0
	for _, other := range l.names {
		seen = max(seen, m.retention[other])
	}
	if old := m.retention["seen"]; begun && seen > old {
		m.floor["seen"] = max(m.floor["seen"], today-storage.Day(old))
	}
	m.retention["seen"] = seen
}

// step is one thing that happens.
func (l *life) step() {
	m, today := l.model, l.today()
	u := storage.Ordinal(l.r.IntN(12) * 6007) // two chunks
	switch k := l.r.IntN(100); {
	case k < 70:
		if m.masked[storage.Erased][u] {
			return // the store drops it, and so it would never expire
		}
		day := today - storage.Day([]int{0, 0, l.r.IntN(5), l.r.IntN(60)}[l.r.IntN(4)])
		var record storage.Records
		tags := []string{"seen"}
		var numbers []storage.Label
		for range l.r.IntN(3) {
			name := l.names[l.r.IntN(len(l.names))]
			number, _ := l.store.Labels().Lookup(name)
			tags, numbers = append(tags, name), append(numbers, number)
		}
		record.Hit(u, day, numbers...)
		_, err := l.store.Append(&record)
		l.must(err)
		if m.users[u] == nil {
			m.users[u] = map[string]map[storage.Day]bool{}
		}
		for _, name := range tags {
			if m.users[u][name] == nil {
				m.users[u][name] = map[storage.Day]bool{}
			}
			m.users[u][name][day] = true
		}
		if len(m.users) == 1 {
			l.must(l.store.Sync()) // whether anything was recorded decides floors
		}
	case k < 74:
		mask := storage.Mask(l.r.IntN(3))
		var record storage.Records
		record.Mask(mask, u, true)
		_, err := l.store.Append(&record)
		l.must(err)
		m.masked[mask][u] = true
	case k < 90:
		l.at.Add(int64(time.Duration(1+l.r.IntN(60)) * time.Hour))
	case k < 93:
		l.declare(l.names[l.r.IntN(len(l.names))], 1+l.r.IntN(30))
	case k < 96:
		l.must(l.store.Checkpoint())
	case k < 98:
		l.must(l.store.Seal())
	default:
		l.must(l.store.Close())
		l.open()
	}
}

// ask compares the answers to an expression.
func (l *life) ask(e Expr) {
	l.t.Helper()
	l.check(func(v *storage.View) error { return l.compare(v, e) })
}

// check compares answers on a view of the model's day.
func (l *life) check(compare func(*storage.View) error) {
	l.t.Helper()
	m := l.model
	for {
		l.must(l.store.Sync())
		v := l.store.View()
		if m.today = l.today(); v.Stamp().Day != m.today {
			continue // the fold is in the middle of an earlier midnight
		}
		err := compare(v)
		if errors.Is(err, storage.ErrStale) { // days expired under the view
			continue
		}
		l.must(err)
		return
	}
}

func (l *life) compare(v *storage.View, e Expr) error {
	set, _, err := Compile(v, e, l.model)
	if err != nil {
		return err
	}
	for op, without := range map[permit.Operation][]storage.Mask{
		permit.Count:  {storage.Erased, storage.OptedOut},
		permit.Export: {storage.Erased, storage.OptedOut, storage.Robot},
	} {
		got, err := listed(Permitted(set, v, op))
		if err != nil {
			return err
		}
		if want := l.model.answer(e, without...); !slices.Equal(got, want) {
			return fmt.Errorf("%s of %s: users %v, want %v", op, e, got, want)
		}
	}
	return nil
}

// TestRandomHistories asks random expressions of random histories, and compares
// with plain maps. A failure names its seed.
func TestRandomHistories(t *testing.T) {
	seed := *firstSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("histories from -seed %d", seed)
	names := rapid.SampledFrom([]string{"a/1", "a/2", "a/3", "b/1", "b/2", "or", "seen"})
	for n := range uint64(*histories) {
		t.Run(fmt.Sprintf("seed=%d", seed+n), func(t *testing.T) {
			l := newLife(t, seed+n)
			defer func() { l.must(l.store.Close()) }()
			for range 40 + l.r.IntN(120) {
				l.step()
			}
			today := l.today()
			days := rapid.Map(rapid.IntRange(0, 70), func(ago int) storage.Day { return today - storage.Day(ago) })
			expression := rapid.Map(expressions(names, days), prefixed)
			for q := range *questions {
				l.ask(expression.Example(int(seed+n) + q*7919))
			}
		})
	}
}
