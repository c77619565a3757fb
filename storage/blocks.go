package storage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
)

// otherCopy is the bit of a part's number that tells the two copies of a block
// apart. A block that is written anew goes to the copy not in use, and the old
// one is deleted in one step: a crash leaves at least one of them whole, also
// where a block is too large for one transaction.
const otherCopy = 1 << 7

func partKey(class int, day Day, chunk, part int) []byte {
	return append(blockKey(class, day, chunk), byte(part))
}

// writeBlock writes a block in parts of at most maxValue bytes, in place of the
// one that is there.
func (s *Store) writeBlock(class int, day Day, chunk int, b *block.Block) error {
	encoded := b.AppendEncoded(nil)
	s.sealedBytes.Add(int64(len(encoded)))
	old, err := s.copiesOf(class, day, chunk)
	copy := 0
	switch both := slices.Contains(old, otherCopy); {
	case err != nil || !slices.Contains(old, 0):
	case both: // a crash in mid-rewrite: what is whole must not be written over
		var whole int
		_, whole, err = s.readCopy(class, day, chunk)
		copy = otherCopy - whole
	default:
		copy = otherCopy
	}
	if err == nil {
		stale := slices.DeleteFunc(slices.Clone(old), func(part int) bool { return part&otherCopy == copy })
		err = s.replaceBlock(class, day, chunk, copy, encoded, stale)
	}
	if err != nil {
		return fmt.Errorf("write block of day %s, chunk %d: %w", day, chunk, err)
	}
	return nil
}

// replaceBlock writes one copy and deletes the stale parts of the other, in one
// transaction if it can.
func (s *Store) replaceBlock(class int, day Day, chunk, copy int, encoded []byte, stale []int) error {
	if len(encoded) > otherCopy*maxValue {
		return fmt.Errorf("a block of %d bytes is too large", len(encoded))
	}
	parts := slices.Collect(slices.Chunk(encoded, maxValue))
	drop := func(txn *badger.Txn) error {
		for _, part := range stale {
			if err := txn.Delete(partKey(class, day, chunk, part)); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.db.Update(func(txn *badger.Txn) error {
		for i, value := range parts {
			if err := txn.Set(partKey(class, day, chunk, copy+i), value); err != nil {
				return err
			}
		}
		return drop(txn)
	})
	if !errors.Is(err, badger.ErrTxnTooBig) {
		return err
	}
	for i, value := range parts {
		if err := s.set(partKey(class, day, chunk, copy+i), value); err != nil {
			return err
		}
	}
	return s.db.Update(drop)
}

// deleteBlock removes all parts of a block.
func (s *Store) deleteBlock(class int, day Day, chunk int, parts []int) error {
	keys := make([][]byte, len(parts))
	for i, part := range parts {
		keys[i] = partKey(class, day, chunk, part)
	}
	if err := s.deleteKeys(keys); err != nil {
		return fmt.Errorf("delete block of day %s, chunk %d: %w", day, chunk, err)
	}
	return nil
}

// copiesOf lists the numbers of the parts that are there.
func (s *Store) copiesOf(class int, day Day, chunk int) (parts []int, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: blockKey(class, day, chunk)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			_, _, _, part := parseBlockKey(it.Item().Key())
			parts = append(parts, part)
		}
		return nil
	})
	return parts, err
}

// readBlock reads one block; a missing one is nil.
func (s *Store) readBlock(class int, day Day, chunk int) (*block.Block, error) {
	b, _, err := s.readCopy(class, day, chunk)
	return b, err
}

// readCopy reads one block and says which copy it is, 0 or otherCopy. Where a
// crash left both, a whole one is as good as the other: events since are in the
// log or in deltas.
func (s *Store) readCopy(class int, day Day, chunk int) (b *block.Block, copy int, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		b, copy, err = readCopy(txn, class, day, chunk)
		return err
	})
	return b, copy, err
}

func readCopy(txn *badger.Txn, class int, day Day, chunk int) (_ *block.Block, copy int, err error) {
	var copies [2][]byte
	for c := range copies {
		for part := range otherCopy {
			item, err := txn.Get(partKey(class, day, chunk, c*otherCopy+part))
			if err == badger.ErrKeyNotFound {
				break
			}
			if err == nil {
				err = item.Value(func(value []byte) error { copies[c] = append(copies[c], value...); return nil })
			}
			if err != nil {
				return nil, 0, fmt.Errorf("read block of day %s, chunk %d: %w", day, chunk, err)
			}
			if item.ValueSize() < maxValue {
				break
			}
		}
	}
	for c, encoded := range copies {
		if encoded == nil {
			continue
		}
		b, failed := block.Decode(encoded)
		if failed == nil {
			return b, c * otherCopy, nil
		}
		err = failed
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read block of day %s, chunk %d: %w: %w", day, chunk, ErrCorrupt, err)
	}
	return nil, 0, nil
}

// readDay reads the blocks of a day, one per retention class. One that is gone
// was dropped after the view that names it was published.
func (s *Store) readDay(chunk int, day Day, classes []int) (blocks []*block.Block, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		blocks, err = readDay(txn, chunk, day, classes)
		return err
	})
	return blocks, err
}

func readDay(txn *badger.Txn, chunk int, day Day, classes []int) ([]*block.Block, error) {
	blocks := make([]*block.Block, 0, len(classes))
	for _, class := range classes {
		b, _, err := readCopy(txn, class, day, chunk)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, fmt.Errorf("read block of day %s, chunk %d: %w", day, chunk, ErrStale)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}
