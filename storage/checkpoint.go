package storage

import (
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
)

// save makes everything folded so far durable in the store directory, then
// writes the cursor, then trims the log. A crash between any two steps replays
// part of the log, which changes nothing.
func (f *fold) save() error {
	if err := f.fatal(); err != nil {
		return err // the cursor must not pass what could not be folded
	}
	if err := f.s.room(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if f.events > 0 || len(f.masks) > 0 {
		f.publish()
	}
	f.saved = f.s.clock()
	if f.savedSeq == f.seq {
		return nil
	}
	at := f.cursor
	at.Seq = f.seq
	for _, step := range []struct {
		name string
		do   func(seq uint64) error
	}{
		{"deltas", f.saveDeltas},
		{"labels", f.saveLabels},
		{"documents", f.saveDocuments},
		{"masks", f.saveMasks},
		{"claims", f.saveClaims},
		{"ids", f.saveIDs},
		{"cursor", func(uint64) error { return f.s.saveCursor(at) }},
		{"log", func(seq uint64) error { return f.s.log.Trim(seq) }},
	} {
		if err := f.s.step("checkpoint " + step.name); err != nil {
			return err
		}
		if err := step.do(at.Seq); err != nil {
			return fmt.Errorf("checkpoint %s: %w", step.name, err)
		}
	}
	f.savedSeq = at.Seq
	f.s.statusMu.Lock()
	f.s.savedSeq = at.Seq
	f.s.statusMu.Unlock()
	f.s.claims.forget(f.s.clock().Add(-ClaimLife).Unix())
	f.evict()
	return nil
}

func (f *fold) saveDeltas(seq uint64) error {
	for day, events := range f.unsaved {
		f.parallel(len(events.chunks), func(worker, c int) { events.chunks[c] = f.workers[worker].Sort(events.chunks[c]) })
		part := 0
		err := encodeDelta(events, func(value []byte) error {
			err := f.s.set(deltaKey(day, seq, part), value)
			part++
			return err
		})
		if err != nil {
			return fmt.Errorf("day %s: %w", day, err)
		}
		if part > 0 {
			f.deltas[day] = true
		}
		if day == f.todayDay {
			for c := range events.chunks {
				events.chunks[c] = events.chunks[c][:0]
			}
		} else {
			delete(f.unsaved, day)
		}
	}
	f.unsavedN = 0
	return nil
}

func (f *fold) saveLabels(uint64) error {
	if len(f.dirtyLabels) == 0 && !f.dirtySpaces {
		return nil
	}
	batch := f.s.db.NewWriteBatch()
	defer batch.Cancel()
	for l := range f.dirtyLabels {
		value, err := checkedJSON(f.dictionary.specs[l])
		if err != nil {
			return err
		}
		if err := batch.Set(labelKey(l), value); err != nil {
			return err
		}
	}
	if f.dirtySpaces {
		value, err := checkedJSON(f.s.spaces.names())
		if err != nil {
			return err
		}
		if err := batch.Set([]byte{keySpace}, value); err != nil {
			return err
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	clear(f.dirtyLabels)
	f.dirtySpaces = false
	return nil
}

// saveMasks writes the masks of changed chunks, each with the sequence it is
// true of in the same value: masks also lose users, so that replaying an older
// record would not be harmless.
//
//	u64 sequence, a block whose labels are masks, u32 CRC-32C of all
func (f *fold) saveMasks(seq uint64) error {
	chunks := f.s.View().chunks
	for c := range f.dirtyMasks {
		if err := f.s.set(maskKey(c), encodeMasks(seq, chunks[c].masks)); err != nil {
			return err
		}
		f.maskSeq[c] = seq
	}
	clear(f.dirtyMasks)
	return nil
}

func encodeMasks(seq uint64, masks *block.Block) []byte {
	value := binary.LittleEndian.AppendUint64(nil, seq)
	if masks != nil {
		value = masks.AppendEncoded(value)
	}
	return checked(value)
}

func (f *fold) saveClaims(seq uint64) error {
	if len(f.claims) == 0 {
		return nil
	}
	batch := f.s.db.NewWriteBatch()
	defer batch.Cancel()
	if err := saveClaims(batch, seq, f.claims); err != nil {
		return err
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	f.claims = f.claims[:0]
	return nil
}

// set writes one value durably.
func (s *Store) set(key, value []byte) error {
	return s.db.Update(func(txn *badger.Txn) error { return txn.Set(key, value) })
}
