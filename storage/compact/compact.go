// Package compact makes Badger let go of what was deleted or replaced.
//
// A deleted key stays on the device as long as the files do that it was written
// to: a write-ahead file, tables at several levels. Badger merges them in its
// own time, and never while nothing is written. After Flush and then Merge the
// directory holds one version of each key that is there, and none of those that
// are gone.
//
// The gotcha: versions that an open transaction may still read are kept, and are
// then not looked at again. Directory makes sure of it.
package compact

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// ErrHeld means that earlier versions are still there, because a transaction
// that reads them is open.
var ErrHeld = errors.New("earlier versions are still being read")

// Flush writes what Badger holds in memory to tables, so that its write-ahead
// files go. Writes of others fail while it runs, and reads wait. The scratch key
// is written and dropped by the way: Badger has no other way to ask for this. No
// other key may begin with it.
func Flush(db *badger.DB, scratch []byte) error {
	err := db.Update(func(txn *badger.Txn) error { return txn.Set(scratch, nil) })
	if err == nil {
		err = db.DropPrefix(scratch)
	}
	if err != nil {
		return fmt.Errorf("flush %s: %w", db.Opts().Dir, err)
	}
	return nil
}

// Merge brings all tables to one level. Others may read and write meanwhile.
func Merge(db *badger.DB) error {
	if err := db.Flatten(1); err != nil {
		return fmt.Errorf("merge %s: %w", db.Opts().Dir, err)
	}
	return nil
}

// Directory flushes and merges a directory that nobody else writes to, and makes
// sure of it, by walking all keys. The error is ErrHeld where a reader kept
// earlier versions; once it is done, calling again removes them.
func Directory(db *badger.DB, scratch []byte) error {
	for range 2 {
		if err := errors.Join(Flush(db, scratch), Merge(db)); err != nil {
			return err
		}
		stale, err := leftovers(db)
		if err != nil || len(stale) == 0 {
			return err
		}
		// Once merged, a table is not looked at again until something newer falls
		// into its range: what a reader has held must be written anew.
		if err := renew(db, stale); err != nil {
			return fmt.Errorf("compact %s: %w", db.Opts().Dir, err)
		}
	}
	return fmt.Errorf("compact %s: %w", db.Opts().Dir, ErrHeld)
}

// leftovers lists the keys that are deleted or have an earlier version.
func leftovers(db *badger.DB) (stale [][]byte, err error) {
	err = db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{AllVersions: true})
		defer it.Close()
		var last []byte
		noted := false
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			same := last != nil && bytes.Equal(last, item.Key())
			if !same {
				last, noted = append(last[:0], item.Key()...), false
			}
			if !noted && (same || item.IsDeletedOrExpired()) {
				stale, noted = append(stale, bytes.Clone(last)), true
			}
		}
		return nil
	})
	return stale, err
}

// renew writes keys again as they are.
func renew(db *badger.DB, keys [][]byte) error {
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range keys {
		err := db.View(func(txn *badger.Txn) error {
			item, err := txn.Get(key)
			if errors.Is(err, badger.ErrKeyNotFound) {
				return batch.Delete(key)
			}
			if err != nil {
				return err
			}
			value, err := item.ValueCopy(nil)
			if err != nil {
				return err
			}
			return batch.Set(key, value)
		})
		if err != nil {
			return err
		}
	}
	return batch.Flush()
}
