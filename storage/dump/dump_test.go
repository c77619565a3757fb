package dump_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
	"sosie/storage/dump"
)

var trips = flag.Int("trips", 4, "random stores that are dumped and restored")

// house is a store on a clock that the test moves.
type house struct {
	*storage.Store
	mu  sync.Mutex
	now time.Time
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) day() storage.Day { return storage.DayOf(h.clock()) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string, now time.Time, memory int64) *house {
	t.Helper()
	h := &house{now: now}
	s, err := storage.Open(storage.Options{Dir: dir, ID: "0123456789abcdef", Reserve: 1, Memory: memory, Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	h.Store = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// live fills a store with a random life of some days: late events, masks, ids of
// two spaces that move and are shared, retentions that change, documents, days
// sealed and not.
func live(t testing.TB, h *house, r *rand.Rand) {
	t.Helper()
	_, err := h.Declare(storage.LabelSpec{Name: "interest/tennis", Retention: 40}, storage.LabelSpec{Name: "interest/golf", Retention: 6},
		storage.LabelSpec{Name: "a/../b", Origin: storage.ThirdParty, Provider: "acme", Uses: []string{"count"}},
		storage.LabelSpec{Name: "bought/racket", Signed: true, Sensitive: true}, storage.LabelSpec{Name: "dense", Retention: 40})
	_, siteErr := h.DeclareSite("shop")
	_, crmErr := h.Space("crm")
	_, otherErr := h.Space("partner/x")
	must(t, err, siteErr, crmErr, otherErr)
	users := func() storage.Ordinal {
		return storage.Ordinal([]int{0, 1, 4}[r.IntN(3)]<<16 + r.IntN(50)*1200)
	}
	for range 12 {
		var rec storage.Records
		for range 60 {
			u, day := users(), h.day()
			if r.IntN(4) == 0 {
				day -= storage.Day(r.IntN(12))
			}
			var labels []storage.Label
			for l := range storage.Label(h.Labels().Len()) {
				if r.IntN(3) == 0 {
					labels = append(labels, l)
				}
			}
			rec.Hit(u, day, labels...)
			if r.IntN(3) == 0 {
				id := []byte(fmt.Sprintf("id-%d", r.IntN(60)))
				if r.IntN(10) == 0 {
					id = []byte{0xff, '"', byte(r.IntN(4))}
				}
				rec.ID(storage.Space(r.IntN(2)), id, u, h.day())
			}
			if r.IntN(12) == 0 {
				rec.Mask(storage.Mask(r.IntN(3)), users(), r.IntN(4) > 0)
			}
		}
		for u := range storage.Ordinal(r.IntN(2) * 6000) { // enough for a bitmap
			dense, _ := h.Labels().Lookup("dense")
			rec.Hit(u, h.day(), dense)
		}
		_, err := h.Append(&rec)
		must(t, err)
		must(t, h.Documents().Edit(func(e *storage.Edit) error {
			return errors.Join(e.Put("segment", fmt.Sprint("s-", r.IntN(5)), []byte(`{"expression":"a < b","n":`+fmt.Sprint(r.IntN(9))+`}`)),
				e.Put("import", fmt.Sprint("i ", r.IntN(3)), []byte{0, 255, byte(r.IntN(9))}), e.Put("note", "spaced", []byte(`{ "a": 1 }`)))
		}))
		switch r.IntN(6) {
		case 0:
			must(t, h.Sync(), h.Seal())
		case 1:
			must(t, h.Checkpoint())
		case 3:
			if err := h.DeleteLabel("passing"); !errors.Is(err, storage.ErrBadLabel) {
				must(t, err)
			}
			_, err := h.Declare(storage.LabelSpec{Name: "passing"})
			must(t, err)
		case 2:
			_, err := h.Declare(storage.LabelSpec{Name: "interest/golf", Retention: 3 + r.IntN(6)})
			must(t, err)
		}
		h.pass(time.Duration(r.IntN(30)) * time.Hour)
	}
	settled(t, h)
}

// settled waits until the view is of the clock's day.
func settled(t testing.TB, h *house) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		must(t, h.Sync())
		if h.View().Stamp().Day == h.day() {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the view stays on another day")
		}
	}
}

// expression draws one of the segment language.
func expression(r *rand.Rand, depth int) string {
	if depth == 0 {
		leaf := []string{"interest/tennis", "interest/golf", "bought/racket", "dense", "seen", "site/shop", "interest/*"}[r.IntN(7)]
		switch day := storage.DayOf(noon) + storage.Day(r.IntN(12)-6); r.IntN(6) {
		case 0, 1:
			return fmt.Sprintf("%s within %dd", leaf, 1+r.IntN(45))
		case 2:
			return fmt.Sprintf("%s on %d+ days within %dd", leaf, 1+r.IntN(4), 4+r.IntN(42))
		case 3:
			return fmt.Sprintf("between(%s, %s, %s)", leaf, day, day+storage.Day(r.IntN(9)))
		case 4:
			return fmt.Sprintf("(%s as of %s)", leaf, day)
		}
		return leaf
	}
	a, b := expression(r, depth-1), expression(r, depth-1)
	if depth == 1 && r.IntN(4) == 0 {
		return fmt.Sprintf("interest/golf then %s within %dd", []string{"interest/tennis", "dense", "bought/*"}[r.IntN(3)], 1+r.IntN(9))
	}
	return []string{"not (" + a + ")", "(" + a + ") and (" + b + ")", "(" + a + ") or (" + b + ")", "(" + a + ") and not (" + b + ")"}[r.IntN(4)]
}

// members are the users that an expression means to an operation.
func members(t testing.TB, v *storage.View, text string, op permit.Operation) []storage.Ordinal {
	t.Helper()
	e, err := audience.Parse(text)
	must(t, err)
	set, _, err := audience.Compile(v, e, nil)
	must(t, err)
	set = audience.Permitted(set, v, op)
	var found []storage.Ordinal
	must(t, audience.Each(t.Context(), set, func(chunk int, w *block.Words) error {
		w.Each(func(low uint16) { found = append(found, storage.At(chunk, low)) })
		return nil
	}))
	if n, err := audience.Count(t.Context(), set); err != nil || n != uint64(len(found)) {
		t.Fatalf("%s: counted %d, listed %d, %v", text, n, len(found), err)
	}
	return found
}

// equal compares all that two stores answer.
func equal(t testing.TB, want, got *house, r *rand.Rand) {
	t.Helper()
	settled(t, want)
	settled(t, got)
	a, b := want.View(), got.View()
	for range 60 {
		text := expression(r, r.IntN(4))
		for _, op := range []permit.Operation{permit.Count, permit.Export} {
			if d := cmp.Diff(members(t, a, text, op), members(t, b, text, op)); d != "" {
				t.Fatalf("%s of %s (-before +after):\n%s", op, text, d)
			}
		}
	}
	if d := cmp.Diff(described(t, want), described(t, got)); d != "" {
		t.Fatalf("described (-before +after):\n%s", d)
	}
}

// described writes down everything a store holds, day by day.
func described(t testing.TB, h *house) []string {
	t.Helper()
	v := h.View()
	var out []string
	for l := range storage.Label(v.Labels().Len()) {
		out = append(out, fmt.Sprintf("label %d %+v floor %s, deleted %t", l, v.Labels().Spec(l), v.Labels().State(l).Floor, v.Labels().State(l).Deleted))
		for day := h.day() - 60; day <= h.day(); day++ {
			var users []storage.Ordinal
			for chunk := range v.Chunks() {
				var w, erased block.Words
				must(t, v.OrDays(&w, chunk, l, day, day))
				v.OrMask(&erased, chunk, storage.Erased)
				w.AndNot(&erased)
				w.Each(func(low uint16) { users = append(users, storage.At(chunk, low)) })
			}
			if len(users) > 0 {
				out = append(out, fmt.Sprintf("label %d on %s: %d users %v", l, day, len(users), users[:min(len(users), 100)]))
			}
		}
	}
	for mask := storage.Erased; mask.String() != "unknown mask"; mask++ {
		for chunk := range v.Chunks() {
			var w block.Words
			v.OrMask(&w, chunk, mask)
			w.Each(func(low uint16) { out = append(out, fmt.Sprintf("%s: %d", mask, storage.At(chunk, low))) })
		}
	}
	for _, kind := range v.DocumentKinds() {
		for name, value := range v.Documents(kind) {
			out = append(out, fmt.Sprintf("%s %s: %q", kind, name, value))
		}
	}
	snap, err := h.Snapshot()
	must(t, err)
	defer snap.Close()
	for space, name := range h.Spaces() {
		must(t, snap.EachID(storage.Space(space), func(external []byte, u storage.Ordinal, day storage.Day) error {
			out = append(out, fmt.Sprintf("%s %q: %d on %s", name, external, u, day))
			return nil
		}))
		for page := range uint32(v.Chunks() * 256) {
			must(t, h.IDs().Page(storage.Space(space), page, func(u storage.Ordinal, external []byte) error {
				if !v.Masked(storage.Erased, u) {
					out = append(out, fmt.Sprintf("%s %d: %q", name, u, external))
				}
				return nil
			}))
		}
	}
	return out
}

// restored restores a dump into a new directory and opens it.
func restored(t testing.TB, dir string, now time.Time, memory int64, erased ...storage.Ordinal) (*house, dump.Restored) {
	t.Helper()
	m, err := dump.Check(t.Context(), dir, nil)
	must(t, err)
	epoch, err := m.Store.NextEpoch(0, 0, 0)
	must(t, err)
	data := filepath.Join(t.TempDir(), "data")
	result, err := dump.Restore(t.Context(), dir, m, data, dump.RestoreOptions{Epoch: epoch, Erased: erased})
	must(t, err)
	return open(t, data, now, memory), result
}

// TestRoundTrip dumps random stores and restores them: the answers are equal,
// also to expressions, also after more has happened to both.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(*trips) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			memory := int64(seed % 2) // with 1, nothing sealed stays in memory
			h := open(t, t.TempDir(), noon, memory)
			live(t, h, r)
			dir := filepath.Join(t.TempDir(), "dump")
			m, err := dump.Write(t.Context(), h.Store, dir, dump.Options{Product: "test"})
			must(t, err)
			if m.Store.Seq != h.View().Stamp().Seq || m.Store.ID != h.ID() || m.Store.Epoch != 1 {
				t.Errorf("the manifest says %+v", m.Store)
			}
			back, result := restored(t, dir, h.clock(), memory)
			if result.Erased != 0 || back.ID() != h.ID() || back.Epoch() != 2 || back.HighWater() < h.HighWater()+storage.DefaultGap {
				t.Errorf("restored %+v as store %s, epoch %d, high water %d after %d", result, back.ID(), back.Epoch(), back.HighWater(), h.HighWater())
			}
			equal(t, h, back, r)

			h.pass(20 * time.Hour)
			back.pass(20 * time.Hour)
			for range 40 {
				var rec storage.Records
				l := storage.Label(r.IntN(h.Labels().Len()))
				u, day := storage.Ordinal(r.IntN(5*65536)), h.day()-storage.Day(r.IntN(10))
				rec.Hit(u, day, l)
				rec.ID(0, []byte(fmt.Sprintf("id-%d", r.IntN(60))), u, h.day())
				_, err := h.Append(&rec)
				_, backErr := back.Append(&rec)
				must(t, err, backErr)
			}
			must(t, h.Seal(), back.Seal())
			equal(t, h, back, r)

			// A dump of what was restored is a dump like any other.
			again := filepath.Join(t.TempDir(), "dump")
			_, err = dump.Write(t.Context(), back.Store, again, dump.Options{})
			must(t, err)
			third, _ := restored(t, again, back.clock(), memory)
			if third.Epoch() != 3 {
				t.Errorf("epoch %d", third.Epoch())
			}
			equal(t, back, third, r)
		})
	}
}

// TestErasedSinceStaysErased: who was erased after the dump is in no answer of
// what is restored, nor are his ids; one erased before changes nothing, and one
// who came after the dump is nobody.
func TestErasedSinceStaysErased(t *testing.T) {
	h := open(t, t.TempDir(), noon, 0)
	live(t, h, rand.New(rand.NewPCG(7, 1)))
	var rec storage.Records
	for u := range storage.Ordinal(3) {
		rec.Hit(u, h.day())
		rec.ID(0, []byte(fmt.Sprint("customer-", u)), u, h.day())
		rec.Mask(storage.Erased, u, false)
	}
	rec.Mask(storage.Erased, 0, true)
	_, err := h.Append(&rec)
	must(t, err)
	dir := filepath.Join(t.TempDir(), "dump")
	_, err = dump.Write(t.Context(), h.Store, dir, dump.Options{})
	must(t, err)
	back, result := restored(t, dir, h.clock(), 0, 0, 1, 1, 1<<31)
	if result.Erased != 1 {
		t.Errorf("%d were erased anew", result.Erased)
	}
	v := back.View()
	var w block.Words
	must(t, v.OrAny(&w, 0, storage.Seen))
	if w.Has(0) || w.Has(1) || !w.Has(2) || !v.Masked(storage.Erased, 0) || !v.Masked(storage.Erased, 1) || v.Chunks() > 5 {
		t.Errorf("user 0 %t, 1 %t, 2 %t, %d chunks", w.Has(0), w.Has(1), w.Has(2), v.Chunks())
	}
	for u, want := range []bool{false, false, true} {
		if _, _, found, err := back.IDs().Lookup(0, []byte(fmt.Sprint("customer-", u))); err != nil || found != want {
			t.Errorf("id of user %d: %t, %v", u, found, err)
		}
	}
}

// TestDumpUnderHits dumps while hits pour in, days are sealed and memory lets go
// of them: the dump is the state at its sequence, not a hit more or less.
func TestDumpUnderHits(t *testing.T) {
	h := open(t, t.TempDir(), noon, 1)
	labels, err := h.Declare(storage.LabelSpec{Name: "interest/tennis"}, storage.LabelSpec{Name: "interest/golf"})
	must(t, err)
	_, err = h.Space("crm")
	must(t, err)
	type event struct {
		seq   uint64
		user  storage.Ordinal
		label storage.Label
		ago   storage.Day
	}
	var mu sync.Mutex
	var events []event
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var pouring sync.WaitGroup
	for g := range 3 {
		r := rand.New(rand.NewPCG(uint64(g), 2))
		pouring.Go(func() {
			for ctx.Err() == nil {
				e := event{user: storage.Ordinal(r.IntN(200_000)), label: labels[r.IntN(2)], ago: storage.Day(r.IntN(4))}
				var rec storage.Records
				rec.Hit(e.user, h.day()-e.ago, e.label)
				rec.ID(0, fmt.Appendf(nil, "id-%d", e.user), e.user, h.day())
				var err error
				if e.seq, err = h.Append(&rec); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				events = append(events, e)
				mu.Unlock()
			}
		})
	}
	pouring.Go(func() {
		for ctx.Err() == nil {
			if err := errors.Join(h.Seal(), h.Checkpoint()); err != nil {
				t.Error(err)
			}
		}
	})
	var dirs []string
	var seqs []uint64
	for range 3 {
		time.Sleep(50 * time.Millisecond)
		dir := filepath.Join(t.TempDir(), "dump")
		m, err := dump.Write(t.Context(), h.Store, dir, dump.Options{})
		must(t, err)
		dirs, seqs = append(dirs, dir), append(seqs, m.Store.Seq)
	}
	stop()
	pouring.Wait()
	for i, dir := range dirs {
		back, _ := restored(t, dir, h.clock(), 0)
		want := map[storage.Label]map[storage.Day]map[storage.Ordinal]bool{}
		ids := map[storage.Ordinal]bool{}
		for _, e := range events {
			if e.seq > seqs[i] {
				continue
			}
			if want[e.label] == nil {
				want[e.label] = map[storage.Day]map[storage.Ordinal]bool{}
			}
			if want[e.label][e.ago] == nil {
				want[e.label][e.ago] = map[storage.Ordinal]bool{}
			}
			want[e.label][e.ago][e.user] = true
			ids[e.user] = true
		}
		v := back.View()
		for _, l := range labels {
			for ago := range storage.Day(4) {
				var got []storage.Ordinal
				for chunk := range v.Chunks() {
					var w block.Words
					must(t, v.OrDays(&w, chunk, l, back.day()-ago, back.day()-ago))
					w.Each(func(low uint16) { got = append(got, storage.At(chunk, low)) })
				}
				if !slices.Equal(got, slices.Sorted(maps.Keys(want[l][ago]))) {
					t.Errorf("dump %d at %d: label %d, %d days ago: %d users, want %d", i, seqs[i], l, ago, len(got), len(want[l][ago]))
				}
			}
		}
		found := 0
		for page := range uint32(200_000>>8 + 1) {
			must(t, back.IDs().Page(0, page, func(u storage.Ordinal, _ []byte) error {
				if found++; !ids[u] {
					return fmt.Errorf("user %d has an id too early", u)
				}
				return nil
			}))
		}
		if found != len(ids) || found == 0 {
			t.Errorf("dump %d: %d ids, want %d", i, found, len(ids))
		}
	}
}
