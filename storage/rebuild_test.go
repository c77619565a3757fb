package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sosie/storage/block"
)

// rebuilt writes what a store holds into another directory, as the next epoch.
func rebuilt(t *testing.T, s *Store, dir string) Epoch {
	t.Helper()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	epoch, err := snap.About().NextEpoch(0, 0, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRebuild(dir, snap.About(), epoch)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(copySnapshot(snap, r), r.Finish()); err != nil {
		t.Fatal(err)
	}
	return epoch
}

func copySnapshot(snap *Snapshot, r *Rebuild) error {
	v := snap.View()
	var states []LabelState
	for l := range Label(v.Labels().Len()) {
		states = append(states, v.Labels().State(l))
	}
	var documents []Document
	for _, kind := range v.DocumentKinds() {
		for name, value := range v.Documents(kind) {
			documents = append(documents, Document{kind, name, value})
		}
	}
	if err := errors.Join(r.Labels(states), r.Documents(documents)); err != nil {
		return err
	}
	var builder block.Builder
	for chunk := range v.Chunks() {
		if _, err := r.Masks(chunk, snap.Masks(&builder, chunk), nil); err != nil {
			return err
		}
	}
	for _, day := range snap.Days() {
		for chunk := range v.Chunks() {
			b, err := snap.Day(&builder, chunk, day)
			if err == nil {
				err = r.Day(day, chunk, b)
			}
			if err != nil {
				return err
			}
		}
	}
	for space := range snap.About().Spaces {
		err := snap.EachID(Space(space), func(external []byte, u Ordinal, day Day) error { return r.ID(Space(space), external, u, day) })
		if err != nil {
			return err
		}
	}
	return nil
}

// TestRebuildAgainstModel lives random histories in which the store is now and
// then lost and rebuilt from a snapshot taken at that moment, or one of an
// earlier step that nothing has followed.
func TestRebuildAgainstModel(t *testing.T) {
	for seed := range uint64(*histories) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			clock := newTestClock()
			options := Options{Dir: t.TempDir(), Clock: clock.Now}
			if seed%2 == 0 {
				options.Memory = 1
			}
			s := openTest(t, options)
			m := newModel(clock)
			r := rand.New(rand.NewPCG(seed, 9))
			lives := 1
			for i, step := range drawHistory(seed+100, clock, 150) {
				if err := step.apply(s); err != nil {
					t.Fatalf("step %d, %s: %v", i, step.name, err)
				}
				step.model(m)
				if i < 10 || r.IntN(20) != 0 {
					continue
				}
				lives++
				dir := filepath.Join(t.TempDir(), "data")
				seq := s.View().Stamp().Seq
				epoch := rebuilt(t, s, dir)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				options.Dir = dir
				s = openTest(t, options)
				if int(s.Epoch()) != lives || s.HighWater() != epoch.Start || s.View().Stamp().Seq < seq {
					t.Fatalf("life %d: epoch %d, high water %d, sequence %d after %d", lives, s.Epoch(), s.HighWater(), s.View().Stamp().Seq, seq)
				}
				for u := range m.masks[Erased] { // nothing of theirs comes along
					delete(m.ids[m.idOf[u]], u)
					delete(m.idOf, u)
				}
				m.compare(t, s, 0, r)
			}
			if lives == 1 {
				t.Fatal("the store was never rebuilt")
			}
			m.compare(t, s, 0, r)
		})
	}
}

// TestSnapshotHolds: what a snapshot shows is of its sequence, whatever is
// recorded, sealed and due to expire while it is open.
func TestSnapshotHolds(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now, Memory: 1})
	labels := declare(t, s, LabelSpec{Name: "short", Retention: 2})
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	first := clock.Day()
	record := func(u Ordinal, external string) {
		var r Records
		r.Hit(u, first, labels[0])
		r.ID(space, []byte(external), u, first)
		if _, err := s.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	record(1, "one")
	clock.Advance(24 * 3600e9)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	record(2, "two")
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	record(3, "three")
	record(1, "uno")
	if err := errors.Join(s.Seal(), s.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	for range 10 { // days past every retention
		clock.Advance(24 * 3600e9)
		add(t, s, 9, clock.Day())
		if err := errors.Join(s.Sync(), s.Seal()); err != nil {
			t.Fatal(err)
		}
	}
	held := func() int {
		b, err := s.readBlock(2, first, 0)
		if err != nil {
			t.Fatal(err)
		}
		return b.Entries()
	}
	if held() != 6 { // three users, each with the label and seen
		t.Errorf("%d entries of the expired day are on the device while a snapshot reads", held())
	}
	var builder block.Builder
	b, err := snap.Day(&builder, 0, first)
	if err != nil || b.Has(uint32(labels[0]), 3) || !b.Has(uint32(labels[0]), 1) || !b.Has(uint32(labels[0]), 2) {
		t.Errorf("the day holds %d entries, %v", b.Entries(), err)
	}
	got := ""
	if err := snap.EachID(space, func(external []byte, u Ordinal, _ Day) error {
		got += fmt.Sprintf("%s=%d ", external, u)
		return nil
	}); err != nil || got != "one=1 two=2 " {
		t.Errorf("ids %s, %v", got, err)
	}
	snap.Close()
	clock.Advance(2 * retryEvery)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if held() == 0 {
			return
		}
	}
	t.Error("the expired day stays although no snapshot is open")
}

func TestNextEpoch(t *testing.T) {
	const million = 1_000_000
	for _, c := range []struct {
		about       About
		number      uint16
		start       Ordinal
		gap         uint64
		want        Epoch
		wantOrdinal bool
	}{
		{About{Epoch: 1, HighWater: 100}, 0, 0, 0, Epoch{2, 100, 1<<24 + 1<<16}, true},
		{About{Epoch: 1, HighWater: 100, Users: 200}, 0, 0, 1, Epoch{2, 200, 1 << 16}, true},
		{About{Epoch: 1, HighWater: 100}, 4, 1 << 20, 1, Epoch{5, 100, 1<<20 + 1<<16}, true},
		{About{Epoch: 1, HighWater: 30 * million}, 0, 0, 0, Epoch{2, 30 * million, (60*million + 65535) / 65536 * 65536}, true},
		{About{Epoch: 2, Epochs: []Epoch{{2, 10 * million, 40 * million}}, HighWater: 40 * million}, 0, 0, 0,
			Epoch{3, 40 * million, (40*million + 1<<24 + 65535) / 65536 * 65536}, true},
		{About{Epoch: 1, HighWater: 1 << 31, Users: 1 << 31}, 0, 0, 1<<31 - 1<<17, Epoch{2, 1 << 31, 1<<32 - 1<<17}, true},
		{About{Epoch: 1, HighWater: 1 << 31}, 0, 0, 0, Epoch{}, false},
		{About{Epoch: 65535}, 0, 0, 0, Epoch{}, false},
	} {
		got, err := c.about.NextEpoch(c.number, c.start, c.gap)
		if (err == nil) != c.wantOrdinal || got != c.want {
			t.Errorf("%+v, %d, %d, %d: %+v, %v; want %+v", c.about, c.number, c.start, c.gap, got, err, c.want)
		}
	}
}

func TestVoided(t *testing.T) {
	s := &Store{about: identity{Epoch: 4, Epochs: []Epoch{{2, 100, 200}, {4, 300, 400}}}}
	for _, c := range []struct {
		epoch uint16
		u     Ordinal
		want  bool
	}{
		{1, 99, false}, {1, 100, true}, {1, 250, true}, {2, 250, false}, {2, 299, false}, {2, 300, true},
		{3, 299, false}, {3, 300, true}, {4, 300, false}, {4, 500, false},
	} {
		if got := s.Voided(c.epoch, c.u); got != c.want {
			t.Errorf("epoch %d, user %d: %t", c.epoch, c.u, got)
		}
	}
	if got := skipped(s.about.Epochs, 450); got != 200 {
		t.Errorf("%d ordinals are skipped below 450", got)
	}
}

// TestRebuildLeavesNothingHalf: what was not finished is no store, nor is it
// taken for one.
func TestRebuildLeavesNothingHalf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r, err := NewRebuild(dir, About{ID: "a", Epoch: 1, Spaces: []string{"crm"}}, Epoch{Number: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Labels([]LabelState{{LabelSpec: LabelSpec{Name: seenName, Retention: 395, Origin: FirstParty}}}), r.ID(0, []byte("b"), 1, 1)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"an id out of order":    errors.Join(r.ID(0, []byte("a"), 2, 1), r.ID(0, []byte("c"), 3, 1)),
		"an id of no space":     r.ID(1, []byte("a"), 2, 1),
		"a label never named":   r.Day(1, 0, (&block.Builder{}).Toggle(nil, 7, &block.Words{1}, &block.Words{})),
		"a mask never heard of": second(r.Masks(0, (&block.Builder{}).Toggle(nil, 200, &block.Words{1}, &block.Words{}), nil)),
	} {
		if err == nil {
			t.Error(name, "was taken")
		}
	}
	if err := r.Abort(); err != nil {
		t.Fatal(err)
	}
	if exists, err := Exists(dir); exists || err != nil {
		t.Errorf("a store: %t, %v", exists, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ids")); err == nil {
		t.Error("spooled ids are left")
	}
}

func second[T any](_ T, err error) error { return err }
