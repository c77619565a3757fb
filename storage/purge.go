package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
	"sosie/storage/compact"
)

// purgedMask is the number under which the masks of a chunk hold the erased
// users of whom nothing is left on disk. It restricts no answer.
const purgedMask = 255

// Purge takes everything that the disk still holds of erased users off it:
// blocks and deltas are written anew without them, their ids and claims go, and
// both directories are compacted, so that no earlier version stays in a file.
// The mask of the erased stays, for their cookies live on. It happens every
// midnight by itself; Purge does it now, and returns when it is done.
func (s *Store) Purge() error { return s.ask(askPurge) }

// unpurged returns the erased users of each chunk who may still be on disk.
func (f *fold) unpurged() map[int]*block.Words {
	todo := map[int]*block.Words{}
	for chunk, erased := range f.erased {
		left := *erased
		if done := f.purged[chunk]; done != nil {
			left.AndNot(done)
		}
		if !left.Empty() {
			todo[chunk] = &left
		}
	}
	return todo
}

// purgeRetryEvery is how long the nightly purge waits after it failed: while a
// long read holds earlier versions, trying costs and gains nothing.
const purgeRetryEvery = 10 * time.Minute

// purgeIfDue purges when users have been erased since the last time, or when
// that failed a while ago.
func (f *fold) purgeIfDue() error {
	switch {
	case f.purgeErr == nil && len(f.unpurged()) == 0:
		return nil
	case f.purgeErr != nil && f.s.clock().Sub(f.purgeTried).Abs() < purgeRetryEvery:
		return f.purgeErr
	}
	return f.purge()
}

// purge does it now, and also compacts when nobody was erased.
func (f *fold) purge() error {
	f.purgeTried = f.s.clock()
	f.purgeErr = f.purgeUsers(f.unpurged())
	return f.purgeErr
}

// purgeUsers rewrites all that holds users erased since the last purge, and then
// compacts. Only when all of that is done is it noted, so that a crash does it
// again.
func (f *fold) purgeUsers(todo map[int]*block.Words) error {
	if err := f.s.room(); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	// With the masks on disk no replay of the log brings an erased user back.
	if err := f.save(); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	var failed error
	for _, chunk := range slices.Sorted(maps.Keys(todo)) {
		if err := f.purgeChunk(chunk, todo[chunk]); err != nil { // another chunk may fare better
			failed = errors.Join(failed, fmt.Errorf("purge chunk %d: %w", chunk, err))
			delete(todo, chunk)
		}
	}
	if failed != nil && len(todo) == 0 {
		return failed
	}
	for _, work := range []func(map[int]*block.Words) error{f.purgeDeltas, f.purgeClaims, f.purgeIDs} {
		if err := work(todo); err != nil {
			return errors.Join(failed, fmt.Errorf("purge: %w", err))
		}
	}
	if err := f.save(); err != nil { // trims the log
		return errors.Join(failed, fmt.Errorf("purge: %w", err))
	}
	if err := f.s.step("purge compact"); err != nil {
		return err
	}
	if err := f.aside(f.s.compact); err != nil {
		return errors.Join(failed, fmt.Errorf("purge: %w", err))
	}
	return errors.Join(failed, f.notePurged(todo))
}

// compact takes deleted and replaced values off the device. Nobody writes to the
// store directory meanwhile.
func (s *Store) compact() error {
	return errors.Join(compact.Directory(s.db, []byte{keyScratch}), s.log.Compact())
}

// aside does work that does not need the fold, and keeps answers fresh
// meanwhile.
func (f *fold) aside(work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			f.breathe()
		}
	}
}

// notePurged remembers with the masks who is off the disk.
func (f *fold) notePurged(todo map[int]*block.Words) error {
	f.publish() // masks are saved as of the batch folded last
	for chunk, users := range todo {
		if f.purged[chunk] == nil {
			f.purged[chunk] = &block.Words{}
		}
		f.purged[chunk].Or(users)
		f.purged[chunk].And(f.erased[chunk])
		var others block.Words
		others.Fill()
		others.AndNot(f.purged[chunk])
		c := *f.s.View().chunks[chunk]
		c.masks = f.workers[0].Toggle(c.masks, purgedMask, f.purged[chunk], &others)
		f.replace(chunk, &c)
		f.dirtyMasks[chunk] = true
	}
	if err := f.s.step("purge note"); err != nil {
		return err
	}
	if err := f.saveMasks(f.seq); err != nil {
		return fmt.Errorf("note purge: %w", err)
	}
	return nil
}

// purgeChunk rewrites the days of a chunk without users, one after the other.
func (f *fold) purgeChunk(chunk int, users *block.Words) error {
	var days []Day
	for _, d := range f.s.View().chunks[chunk].sealed {
		days = append(days, d.day)
	}
	for _, day := range days {
		if err := f.purgeDay(chunk, day, users); err != nil {
			return err
		}
		f.breathe()
	}
	c := *f.s.View().chunks[chunk]
	without := func(b *block.Block) *block.Block {
		if !b.Meets(users) {
			return b
		}
		return f.workers[0].Union([]*block.Block{b}, nil, users)
	}
	c.any = without(c.any)
	c.open = slices.Clone(c.open)
	for i := range c.open {
		c.open[i].settled, c.open[i].recent = without(c.open[i].settled), without(c.open[i].recent)
	}
	f.replace(chunk, &c)
	return nil
}

// purgeDay rewrites the sealed blocks of a chunk's day that hold any of the
// users. One that would be empty is deleted.
func (f *fold) purgeDay(chunk int, day Day, users *block.Words) error {
	c := *f.s.View().chunks[chunk]
	d := c.sealedDay(day)
	if d.damage != nil {
		return d.damage
	}
	old := d.blocks
	if old == nil {
		var err error
		if old, err = f.s.readDay(chunk, day, d.classes); err != nil {
			return err
		}
	}
	next := sealedDay{day: day}
	for i, class := range d.classes {
		parts, err := f.s.copiesOf(class, day, chunk)
		if err != nil {
			return err
		}
		// A crash in mid-rewrite leaves two copies, and the one that is not read may
		// hold users that the other does not.
		torn := slices.Contains(parts, 0) && slices.Contains(parts, otherCopy)
		b := old[i]
		if torn || b.Meets(users) {
			if err := f.s.step("purge block"); err != nil {
				return err
			}
			if b = f.workers[0].Union([]*block.Block{b}, nil, users); b == nil {
				if err := f.s.deleteBlock(class, day, chunk, parts); err != nil {
					return err
				}
				continue
			}
			if err := f.s.writeBlock(class, day, chunk, b); err != nil {
				return err
			}
		}
		next.classes = append(next.classes, class)
		if d.blocks != nil {
			next.blocks = append(next.blocks, b)
		}
	}
	if len(next.classes) > 0 {
		c.sealed = withSealed(c.sealed, next)
	} else {
		c.sealed = slices.DeleteFunc(slices.Clone(c.sealed), func(s sealedDay) bool { return s.day == day })
	}
	f.replace(chunk, &c)
	return nil
}

// rewrite calls fn for every value below a prefix and writes what it returns
// instead: nil deletes the key, the value itself leaves it.
func (s *Store) rewrite(prefix []byte, fn func(value []byte) ([]byte, error)) error {
	changed := map[string][]byte{}
	err := eachValue(s.db, prefix, func(key, value []byte) error {
		next, err := fn(value)
		if err == nil && string(next) != string(value) {
			changed[string(key)] = next
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		if err := s.step("purge value"); err != nil {
			return err
		}
		err := s.db.Update(func(txn *badger.Txn) error {
			if value := changed[key]; value != nil {
				return txn.Set([]byte(key), value)
			}
			return txn.Delete([]byte(key))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) purgeDeltas(todo map[int]*block.Words) error {
	return f.s.rewrite([]byte{keyDelta}, func(value []byte) (next []byte, err error) {
		var events dayEvents
		if err := decodeDelta(value, &events); err != nil {
			return nil, err
		}
		touched := false
		for chunk, users := range todo {
			if chunk < len(events.chunks) {
				before := len(events.chunks[chunk])
				events.chunks[chunk] = slices.DeleteFunc(events.chunks[chunk], func(k block.Key) bool { return users.Has(k.Low()) })
				touched = touched || len(events.chunks[chunk]) < before
			}
		}
		if !touched {
			return value, nil
		}
		// Fewer keys never take more bytes, so what was one value stays one.
		err = encodeDelta(&events, func(value []byte) error { next = value; return nil })
		return next, err
	})
}

func (f *fold) purgeClaims(todo map[int]*block.Words) error {
	has := func(u Ordinal) bool { return todo[u.Chunk()] != nil && todo[u.Chunk()].Has(u.Low()) }
	f.s.claims.forgetUsers(has)
	return f.s.rewrite([]byte{keyClaims}, func(value []byte) ([]byte, error) {
		rows, err := unchecked(value)
		if err != nil {
			return nil, err
		}
		var kept []byte
		for row := range slices.Chunk(rows, claimRowSize) {
			if len(row) == claimRowSize && !has(Ordinal(binary.LittleEndian.Uint32(row[8:]))) {
				kept = append(kept, row...)
			}
		}
		switch len(kept) {
		case 0:
			return nil, nil
		case len(rows):
			return value, nil
		}
		return checked(kept), nil
	})
}

// purgeIDs writes the ids without those of users. The fold forgets them as it
// erases; this finds those of a store that was written before it did.
func (f *fold) purgeIDs(todo map[int]*block.Words) error {
	for chunk, users := range todo {
		users.Each(func(low uint16) { f.forgetIDs(At(chunk, low)) })
		f.breathe()
	}
	if err := f.fatal(); err != nil {
		return err
	}
	if err := f.s.step("purge ids"); err != nil {
		return err
	}
	return f.saveIDs(f.seq)
}
