// Package compact makes Badger let go of what was deleted or replaced.
//
// A deleted key stays on the device as long as the files do that it was written
// to: a write-ahead file, tables at several levels. Badger merges them in its
// own time, and never while nothing is written. After Flush and then Merge the
// directory holds one version of each key that is there, and none of those that
// are gone.
//
// The gotcha: versions that an open transaction may still read are kept. End
// long reads first, or call again.
package compact

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

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
