package storage

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
)

// load brings the store directory into memory: dictionary, masks, sealed days,
// deltas, claims. The log's tail follows by folding.
func (f *fold) load() error {
	s := f.s
	var err error
	if f.cursor, err = s.loadCursor(); err != nil {
		return fmt.Errorf("load cursor: %w", err)
	}
	f.seq, f.savedSeq, s.savedSeq = f.cursor.Seq, f.cursor.Seq, f.cursor.Seq
	if err := f.loadLabels(); err != nil {
		return fmt.Errorf("load labels: %w", err)
	}
	if err := f.loadDocuments(); err != nil {
		return fmt.Errorf("load documents: %w", err)
	}
	today := DayOf(s.clock())
	if err := s.loadClaims(s.clock().Add(-ClaimLife).Unix()); err != nil {
		return err
	}
	chunks := growChunks(nil, chunksFor(f.cursor.Users))
	if chunks, err = f.loadMasks(chunks); err != nil {
		return fmt.Errorf("load masks: %w", err)
	}
	if chunks, err = f.loadDays(chunks, today); err != nil {
		return fmt.Errorf("load days: %w", err)
	}
	view := &View{stamp: Stamp{Seq: f.seq, Day: today, At: s.clock()}, labels: f.dictionary, documents: f.documents, chunks: chunks, store: s}
	s.current.Store(view)
	if err := f.loadDeltas(); err != nil {
		return fmt.Errorf("load deltas: %w", err)
	}
	f.saved = s.clock()
	f.evict()
	return nil
}

func (f *fold) loadLabels() error {
	specs := []LabelState{{LabelSpec: LabelSpec{Name: seenName, Retention: DefaultRetention, Origin: FirstParty}}}
	err := eachValue(f.s.db, []byte{keyLabel}, func(key, value []byte) error {
		var state LabelState
		if err := uncheckedJSON(value, &state); err != nil {
			return err
		}
		l := int(binary.BigEndian.Uint32(key[1:]))
		for l >= len(specs) {
			specs = append(specs, LabelState{})
		}
		specs[l] = state
		return nil
	})
	if err != nil {
		return err
	}
	f.dictionary = newLabels(specs)
	return eachValue(f.s.db, []byte{keySpace}, func(_, value []byte) error {
		var names []string
		if err := uncheckedJSON(value, &names); err != nil {
			return err
		}
		for i, name := range names {
			f.s.spaces.add(Space(i), name)
		}
		return nil
	})
}

// growChunks makes room for a number of chunks. Masks and blocks may be ahead of
// the cursor, which is written last.
func growChunks(chunks []*chunkView, n int) []*chunkView {
	for len(chunks) < n {
		chunks = append(chunks, &chunkView{})
	}
	return chunks
}

func (f *fold) loadMasks(chunks []*chunkView) ([]*chunkView, error) {
	err := eachValue(f.s.db, []byte{keyMask}, func(key, value []byte) error {
		chunk := int(binary.BigEndian.Uint32(key[1:]))
		body, err := unchecked(value)
		if err != nil || len(body) < 8 {
			return fmt.Errorf("masks of chunk %d: %w", chunk, ErrCorrupt)
		}
		chunks = growChunks(chunks, chunk+1)
		f.maskSeq[chunk] = binary.LittleEndian.Uint64(body)
		if len(body) == 8 {
			return nil
		}
		if chunks[chunk].masks, err = block.Decode(body[8:]); err != nil {
			return fmt.Errorf("masks of chunk %d: %w: %w", chunk, ErrCorrupt, err)
		}
		erased := &block.Words{}
		chunks[chunk].masks.Or(erased, uint32(Erased))
		if !erased.Empty() {
			f.erased[chunk] = erased
		}
		f.purged[chunk] = &block.Words{}
		chunks[chunk].masks.Or(f.purged[chunk], purgedMask)
		return nil
	})
	return chunks, err
}

// loadDays reads the sealed days of every chunk and derives its any-time block
// while they are in cache. Days beyond the memory budget are not kept.
func (f *fold) loadDays(chunks []*chunkView, today Day) ([]*chunkView, error) {
	chunks, bytes, err := f.findDays(chunks)
	if err != nil {
		return nil, err
	}
	f.evictBelow = f.firstResident(bytes)
	f.parallel(len(chunks), func(worker, i int) {
		c := chunks[i]
		for j := range c.sealed {
			d := &c.sealed[j]
			d.blocks, d.damage = f.s.readDay(i, d.day, d.classes)
		}
		derived := f.deriveChunk(worker, i, c, f.dictionary, today)
		c.any, c.damage = derived.any, derived.damage
		for j := range c.sealed {
			if c.sealed[j].day < f.evictBelow {
				c.sealed[j].blocks = nil
			}
		}
	})
	return chunks, nil
}

// findDays lists the blocks on disk and returns their bytes per day.
func (f *fold) findDays(chunks []*chunkView) ([]*chunkView, map[Day]int64, error) {
	bytes := map[Day]int64{}
	err := f.s.db.View(func(txn *badger.Txn) error {
		options := badger.IteratorOptions{Prefix: []byte{keyBlock}}
		it := txn.NewIterator(options)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().Key()
			if len(key) != blockKeySize {
				return fmt.Errorf("key %x: %w", key, ErrCorrupt)
			}
			class, day, chunk, _ := parseBlockKey(key)
			bytes[day] += it.Item().ValueSize()
			chunks = growChunks(chunks, chunk+1)
			f.onDisk(day, class)
			c := chunks[chunk]
			d := sealedDay{day: day}
			if old := c.sealedDay(day); old != nil {
				d = *old
			}
			if !slices.Contains(d.classes, class) {
				d.classes = append(slices.Clone(d.classes), class)
			}
			c.sealed = withSealed(c.sealed, d)
		}
		return nil
	})
	return chunks, bytes, err
}

// firstResident returns the oldest day that memory can hold beside the newer
// ones and the any-time blocks, which take about a third of the days' bytes.
func (f *fold) firstResident(bytes map[Day]int64) Day {
	if f.s.options.Memory == 0 {
		return 0
	}
	var total int64
	days := make([]Day, 0, len(bytes))
	for day, n := range bytes {
		days = append(days, day)
		total += n
	}
	slices.Sort(days)
	budget := int64(float64(f.s.options.Memory)*blockShare) - total/3
	for _, day := range days {
		if total <= budget {
			return day
		}
		total -= bytes[day]
	}
	return f.cursor.Horizon + 1
}

// loadDeltas merges what was checkpointed of days not sealed yet.
func (f *fold) loadDeltas() error {
	err := eachValue(f.s.db, []byte{keyDelta}, func(key, value []byte) error {
		day := Day(binary.BigEndian.Uint32(key[1:]))
		events := f.pending[day]
		if events == nil {
			events = &dayEvents{}
			f.pending[day] = events
		}
		f.deltas[day] = true
		f.events++
		return decodeDelta(value, events)
	})
	if err != nil {
		return err
	}
	f.publish()
	clear(f.unsaved)
	f.unsavedN = 0
	return nil
}
