package tables

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

var flips = flag.Int("flips", 1500, "bits flipped in each kind of file; 0 flips every one")

// options are those of the store, small.
func options(dir string) badger.Options {
	return badger.DefaultOptions(dir).WithLogger(nil).WithCompression(0).WithBlockCacheSize(0).WithMemTableSize(1 << 20).WithValueLogFileSize(1 << 20).
		WithSyncWrites(true).WithValueThreshold(64 << 10)
}

// fill writes keys in transactions of three, some of them twice, and deletes
// some.
func fill(t testing.TB, db *badger.DB, n int) {
	t.Helper()
	for i := range n {
		err := db.Update(func(txn *badger.Txn) error {
			for j := range 3 {
				if err := txn.Set(fmt.Appendf(nil, "key-%04d", i*2+j), fmt.Appendf(nil, "value %d of %d", j, i)); err != nil {
					return err
				}
			}
			return txn.Delete(fmt.Appendf(nil, "key-%04d", i))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// closed makes a directory that was closed.
func closed(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	db, err := badger.Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db, 200)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// killed makes a directory as a process leaves it that was killed: with a
// write-ahead file.
func killed(t testing.TB) string {
	t.Helper()
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "killed")
	db, err := badger.Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, 40)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestWhatWasWrittenIsWhole(t *testing.T) {
	for name, dir := range map[string]string{"closed": closed(t), "killed": killed(t), "missing": filepath.Join(t.TempDir(), "none")} {
		sum, damages, err := Check(dir)
		if err != nil || len(damages) > 0 {
			t.Errorf("%s: %v %v", name, damages, err)
		}
		if sum.Blocks+sum.Entries == 0 && name != "missing" {
			t.Errorf("%s: nothing was checked: %+v", name, sum)
		}
	}
}

func TestEachSeesEveryVersion(t *testing.T) {
	for name, dir := range map[string]string{"closed": closed(t), "killed": killed(t)} {
		live, dead := map[string]bool{}, 0
		skipped, err := Each(dir, func(e Entry) error {
			if e.Deleted {
				dead++
			}
			live[string(e.Key)] = true
			return nil
		})
		if err != nil || len(skipped) > 0 {
			t.Fatal(skipped, err)
		}
		if !live["key-0000"] || dead == 0 {
			t.Errorf("%s: %d keys, %d deleted", name, len(live), dead)
		}
	}
}

// TestEveryFlippedBitShows flips bits all over the files of a closed directory:
// each must be reported, as damage that is read or as one that is not.
func TestEveryFlippedBitShows(t *testing.T) {
	dir := closed(t)
	names, err := files(dir)
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, name := range names {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := len(whole) * 8
		if *flips > 0 && n > *flips {
			n = *flips
		}
		if len(whole) > 1<<18 && *flips > 0 {
			n = 100 // DISCARD is a megabyte of nothing
		}
		for i := range n {
			bit := i
			if n < len(whole)*8 {
				bit = r.IntN(len(whole) * 8)
			}
			flipped := slices.Clone(whole)
			flipped[bit/8] ^= 1 << (bit % 8)
			var damaged error
			switch {
			case strings.HasSuffix(name, tableSuffix):
				_, damaged = checkTable(flipped)
			default:
				if err := os.WriteFile(path, flipped, 0o600); err != nil {
					t.Fatal(err)
				}
				_, damages, err := Check(dir)
				if err != nil {
					t.Fatal(err)
				}
				if len(damages) > 0 {
					damaged = damages[0]
				}
			}
			if damaged == nil && !unread(name, bit/8) {
				t.Fatalf("bit %d of byte %d of %s: no damage found", bit%8, bit/8, name)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// unread are the bytes at random that only encryption reads.
func unread(name string, at int) bool {
	return name == "KEYREGISTRY" && at < 16 || strings.HasSuffix(name, ".vlog") && at >= 8 && at < headerSize
}

// TestFlippedBitInWriteAhead flips bits of a killed process's write-ahead file.
// What follows a damaged entry is lost to Badger: either that is reported, or
// everything that was acknowledged is still read.
func TestFlippedBitInWriteAhead(t *testing.T) {
	dir := killed(t)
	names, _ := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	before, err := walkWAL(whole, func(Entry) error { return nil })
	if err != nil || before.leftover > 0 {
		t.Fatal(before, err)
	}
	last := before.end - 40 // within the entry that ends the last transaction
	for bit := range (before.end + 200) * 8 {
		flipped := slices.Clone(whole[:before.end+4096])
		flipped[bit/8] ^= 1 << (bit % 8)
		w, err := checkWAL(flipped)
		switch {
		case err != nil:
		case w.end == before.end: // all is read
		case bit/8 >= last && w.leftover > 0: // cannot be told from a write that was cut off
		case bit/8 >= 8 && bit/8 < headerSize:
		default:
			t.Fatalf("bit %d of byte %d of %d: %d bytes are read and nobody is told", bit%8, bit/8, before.end, w.end)
		}
	}
}

// TestTornWriteIsNoDamage cuts a write-ahead file and a manifest anywhere, as a
// killed process does, and empties whole sectors of the last write, as a power
// cut does.
func TestTornWriteIsNoDamage(t *testing.T) {
	dir := killed(t)
	names, _ := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	w, _ := walkWAL(whole, func(Entry) error { return nil })
	for cut := headerSize; cut < w.end; cut++ {
		torn := slices.Clone(whole[:w.end+512])
		clear(torn[cut:])
		if _, err := checkWAL(torn); err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
	}
	dir = closed(t)
	path := filepath.Join(dir, "MANIFEST")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(text) - 1; cut >= 8; cut-- {
		if err := os.Truncate(path, int64(cut)); err != nil {
			t.Fatal(err)
		}
		if _, damages, err := Check(dir); err != nil || len(damages) > 0 {
			t.Fatalf("manifest cut at byte %d: %v %v", cut, damages, err)
		}
	}
}

func TestMissingAndShortFiles(t *testing.T) {
	for _, c := range []struct {
		name, glob string
		damage     func(path string) error
		says       string
	}{
		{"table missing", "*" + tableSuffix, os.Remove, "the file is missing"},
		{"table short", "*" + tableSuffix, func(p string) error { return os.Truncate(p, 100) }, "checksum"},
		{"table empty", "*" + tableSuffix, func(p string) error { return os.Truncate(p, 0) }, "cut short"},
		{"manifest missing", "MANIFEST", os.Remove, "would remove every table"},
		{"manifest empty", "MANIFEST", func(p string) error { return os.Truncate(p, 0) }, "magic"},
		{"value file short", "*.vlog", func(p string) error { return os.Truncate(p, 7) }, "cut short"},
		{"registry short", "KEYREGISTRY", func(p string) error { return os.Truncate(p, 20) }, "without encryption"},
	} {
		dir := closed(t)
		paths, _ := filepath.Glob(filepath.Join(dir, c.glob))
		if err := c.damage(paths[0]); err != nil {
			t.Fatal(err)
		}
		_, damages, err := Check(dir)
		if err != nil || len(damages) == 0 || !strings.Contains(damages[0].Error(), c.says) || damages[0].Unused {
			t.Errorf("%s: %v %v, want one that says %q", c.name, damages, err, c.says)
		}
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	dir := closed(t)
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	if db, err := badger.Open(options(dir)); err == nil {
		db.Close()
		t.Error("Badger opened a locked directory")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	db, err := badger.Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzWAL(f *testing.F) {
	dir := killed(f)
	names, _ := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	whole, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[:2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, err := checkWAL(data); err == nil && w.end > max(len(data), headerSize) {
			t.Errorf("%d of %d bytes are read", w.end, len(data))
		}
	})
}

func FuzzTable(f *testing.F) {
	dir := closed(f)
	names, _ := filepath.Glob(filepath.Join(dir, "*"+tableSuffix))
	whole, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	body, err := summed(whole)
	if err != nil {
		f.Fatal(err)
	}
	size := int(binary.BigEndian.Uint32(body[len(body)-4:]))
	f.Add(body[len(body)-4-size : len(body)-4])
	f.Fuzz(func(t *testing.T, index []byte) {
		// A hostile index with a right checksum.
		data := binary.BigEndian.AppendUint32(slices.Clone(index), uint32(len(index)))
		sum := binary.AppendUvarint([]byte{2 << 3}, uint64(crc32.Checksum(index, castagnoli)))
		data = binary.BigEndian.AppendUint32(append(data, sum...), uint32(len(sum)))
		checkTable(data) // must not panic
	})
}
