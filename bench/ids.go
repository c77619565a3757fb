package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"sosie/bench/report"
	"sosie/storage"
)

// idSpace is the space of the measured ids.
const idSpace = "bench"

// externalID makes the id of a user: 16 to 32 bytes that look random, the same
// at every call.
func externalID(dst []byte, seed uint64, u storage.Ordinal) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(u)))
	n := len(dst) + 16 + int(r.Uint32N(17))
	for len(dst) < n {
		dst = binary.LittleEndian.AppendUint64(dst, r.Uint64())
	}
	return dst[:n]
}

// ids measures ids in both directions in a store of their own.
func (o StorageOptions) ids(ctx context.Context, r *report.Report, dir string) error {
	empty, full, took, err := o.fillIDs(ctx, dir)
	if err != nil {
		return err
	}
	var opened []float64
	var asked asked
	for round := range o.Rounds {
		start := time.Now()
		store, err := storage.Open(storage.Options{Dir: dir})
		if err != nil {
			return err
		}
		opened = append(opened, millis(time.Since(start)))
		if round == o.Rounds-1 {
			asked, err = o.askIDs(store)
		}
		if err := errors.Join(err, store.Close()); err != nil {
			return err
		}
	}
	t := r.Table("ids, both directions", report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "value", Head: "value"}, report.Column{Key: "unit", Head: "unit"})
	t.Add("ids", o.IDs, "")
	t.Add("written, checkpoints included", float64(o.IDs)/took.Seconds(), "a second")
	t.Add("on disk when closed", float64(full-empty)/float64(o.IDs), "bytes an id, both directions")
	t.Add("open", report.Of(opened), "ms")
	t.Add("look up a known id", asked.known, "µs")
	t.Add("look up an unknown id", asked.unknown, "µs")
	t.Add("walk all ids by user", asked.walk, "µs an id")
	t.Note("ids are 16 to 32 bytes; looked up one by one, in random order, with a warm page cache; every answer was compared")
	return nil
}

func (o StorageOptions) fillIDs(ctx context.Context, dir string) (empty, full int64, took time.Duration, err error) {
	store, err := storage.Open(storage.Options{Dir: dir, CheckpointEvery: 1 << 62})
	if err != nil {
		return 0, 0, 0, err
	}
	space, err := store.Space(idSpace)
	if err == nil {
		_, err = store.NewUsers(o.IDs)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return 0, 0, 0, err
	}
	if _, empty, err = onDisk(dir); err != nil {
		return 0, 0, 0, err
	}
	if store, err = storage.Open(storage.Options{Dir: dir, CheckpointEvery: 1 << 62}); err != nil {
		return 0, 0, 0, err
	}
	start := time.Now()
	err = o.appendIDs(ctx, store, space)
	took = time.Since(start)
	if err := errors.Join(err, store.Close()); err != nil {
		return 0, 0, 0, err
	}
	_, full, err = onDisk(dir)
	return empty, full, took, err
}

// appendIDs appends the ids in random order of users' pages, as a partner's
// file or cookie sync would bring them, and checkpoints now and then.
func (o StorageOptions) appendIDs(ctx context.Context, store *storage.Store, space storage.Space) error {
	const batch, checkpoint = 10_000, 500_000
	day := storage.DayOf(time.Now())
	records := new(storage.Records)
	external := make([]byte, 0, 64)
	for i := range o.IDs {
		u := storage.Ordinal(i)
		external = externalID(external[:0], o.Seed, u)
		records.ID(space, external, u, day)
		last := i == o.IDs-1
		if (i+1)%batch == 0 || last {
			if _, err := store.Append(records); err != nil {
				return fmt.Errorf("append ids: %w", err)
			}
			records.Reset()
		}
		if (i+1)%checkpoint == 0 || last {
			o.say("id %d of %d", i+1, o.IDs)
			if err := errors.Join(ctx.Err(), store.Checkpoint()); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked are microseconds for each question about an id.
type asked struct{ known, unknown, walk float64 }

func (o StorageOptions) askIDs(store *storage.Store) (a asked, err error) {
	space, err := store.Space(idSpace)
	if err != nil {
		return a, err
	}
	const lookups = 20_000
	random := rand.New(rand.NewPCG(o.Seed, 9))
	look := func(seed uint64, known bool) (float64, error) {
		var spent time.Duration
		for range lookups {
			u := storage.Ordinal(random.Uint32N(uint32(o.IDs)))
			external := externalID(nil, seed, u)
			start := time.Now()
			got, _, ok, err := store.IDs().Lookup(space, external)
			spent += time.Since(start)
			if err != nil {
				return 0, err
			}
			if ok != known || known && got != u {
				return 0, fmt.Errorf("%w: the id of user %d is found: %v, as user %d", ErrDiffers, u, ok, got)
			}
		}
		return float64(spent.Nanoseconds()) / 1e3 / lookups, nil
	}
	if a.known, err = look(o.Seed, true); err != nil {
		return a, err
	}
	if a.unknown, err = look(o.Seed+1, false); err != nil {
		return a, err
	}
	a.walk, err = o.walkIDs(store, space)
	return a, err
}

func (o StorageOptions) walkIDs(store *storage.Store, space storage.Space) (float64, error) {
	n, bytes := 0, 0
	start := time.Now()
	for page := range (o.IDs + 255) / 256 {
		err := store.IDs().Page(space, uint32(page), func(_ storage.Ordinal, external []byte) error {
			n++
			bytes += len(external)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	took := time.Since(start)
	if n != o.IDs || bytes < 16*n {
		return 0, fmt.Errorf("%w: %d ids of %d are found by user", ErrDiffers, n, o.IDs)
	}
	return float64(took.Nanoseconds()) / 1e3 / float64(n), nil
}
