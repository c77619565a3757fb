package compact

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/tables"
)

// TestNothingEarlierStays writes several levels of tables, replaces and deletes,
// and looks for earlier versions in the files of the open database.
func TestNothingEarlierStays(t *testing.T) {
	dir := t.TempDir()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithCompression(0).WithBlockCacheSize(0).
		WithMemTableSize(1 << 20).WithBaseTableSize(1 << 20).WithBaseLevelSize(1 << 20).WithValueLogFileSize(1 << 20).WithValueThreshold(1 << 10))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(value string, from, to, step int) {
		t.Helper()
		batch := db.NewWriteBatch()
		defer batch.Cancel()
		for i := from; i < to; i += step {
			key := fmt.Appendf(nil, "k%06d", i)
			err := batch.Delete(key)
			if value != "" {
				err = batch.Set(key, bytes.Repeat([]byte(value), 100))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	const n = 30_000
	write("first", 0, n, 1)
	write("second", 0, n, 3)
	write("", 1, n, 3)
	write("third", 0, n, 300)
	levels := 0
	for _, l := range db.Levels() {
		if l.NumTables > 0 {
			levels++
		}
	}
	if err := errors.Join(Flush(db, []byte("x")), Merge(db)); err != nil {
		t.Fatal(err)
	}
	t.Logf("tables were at %d levels", levels)
	if stale, err := leftovers(db); err != nil || len(stale) > 0 {
		t.Errorf("%d keys have earlier versions: %v", len(stale), err)
	}
	seen := map[string]int{}
	skipped, err := tables.Each(dir, func(e tables.Entry) error {
		var i int
		if _, err := fmt.Sscanf(string(e.Key), "k%06d", &i); err != nil {
			return fmt.Errorf("key %q is left", e.Key)
		}
		want := "first"
		switch {
		case i%300 == 0:
			want = "third"
		case i%3 == 0:
			want = "second"
		case i%3 == 1:
			return fmt.Errorf("key %d is left, deleted %t", i, e.Deleted)
		}
		if !bytes.HasPrefix(e.Value, []byte(want)) {
			return fmt.Errorf("key %d: %.6q is left, want %q", i, e.Value, want)
		}
		if seen[string(e.Key)]++; seen[string(e.Key)] > 1 {
			return fmt.Errorf("key %d is there twice", i)
		}
		return nil
	})
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	if len(seen) != n-n/3 {
		t.Errorf("%d keys, want %d", len(seen), n-n/3)
	}

	reader := db.NewTransaction(false)
	write("fourth", 0, 10, 1)
	write("", 20, 30, 1)
	if err := Directory(db, []byte("x")); !errors.Is(err, ErrHeld) {
		t.Errorf("with a reader of earlier versions: %v, want ErrHeld", err)
	}
	reader.Discard()
	if err := Directory(db, []byte("x")); err != nil {
		t.Errorf("when the reader is done: %v", err)
	}
	if stale, err := leftovers(db); err != nil || len(stale) > 0 {
		t.Errorf("when the reader is done: %d keys have earlier versions: %v", len(stale), err)
	}
}
