package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

func openTest(t testing.TB, dir string, after uint64, options Options) *Log {
	t.Helper()
	l, err := Open(dir, after, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// readAll returns every record after a sequence, in order.
func readAll(t testing.TB, l *Log, after uint64) (records []string) {
	t.Helper()
	for {
		b, ok, err := l.Next(after)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return records
		}
		if err := b.Each(func(r []byte) error { records = append(records, string(r)); return nil }); err != nil {
			t.Fatal(err)
		}
		after = b.Seq
	}
}

func TestAppendedRecordsComeBackInOrder(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, 0, Options{})
	const writers, each = 16, 50
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			before := uint64(0)
			for i := range each {
				seq, err := l.Append(fmt.Appendf(nil, "%02d/%03d", w, i))
				if err != nil {
					t.Error(err)
				}
				if seq <= before {
					t.Errorf("sequence %d after %d", seq, before)
				}
				before = seq
			}
		})
	}
	wait.Wait()
	check := func(l *Log) {
		t.Helper()
		got := readAll(t, l, 0)
		for w := range writers { // the order of each writer is kept
			var mine []string
			for _, r := range got {
				if r[:2] == fmt.Sprintf("%02d", w) {
					mine = append(mine, r)
				}
			}
			if len(mine) != each || !slices.IsSorted(mine) {
				t.Errorf("writer %d: %d records, sorted %t", w, len(mine), slices.IsSorted(mine))
			}
		}
	}
	check(l)
	if l.Last() >= writers*each {
		t.Errorf("%d batches for %d records: nothing was grouped", l.Last(), writers*each)
	}
	last := l.Last()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, 0, Options{})
	if l.Last() != last {
		t.Errorf("last is %d after reopening, want %d", l.Last(), last)
	}
	check(l)
}

func TestReaderMayForgetAndAskDisk(t *testing.T) {
	l := openTest(t, t.TempDir(), 0, Options{})
	for i := range 10 {
		if _, err := l.Append(fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	b, _, _ := l.Next(4)
	l.Forget(b)
	if got := readAll(t, l, 0); len(got) != 10 || got[0] != "0" || got[9] != "9" {
		t.Errorf("read %q", got)
	}
}

func TestTrimRemovesAndSequencesGoOn(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, 0, Options{})
	for range 20 {
		if _, err := l.Append([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Trim(l.Last()); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, 20, Options{})
	seq, err := l.Append([]byte("y"))
	if err != nil || seq != 21 {
		t.Errorf("sequence %d, %v, want 21", seq, err)
	}
	if _, _, err := l.Next(3); err == nil {
		t.Error("a trimmed batch was read without an error")
	}
	if got := readAll(t, l, 20); len(got) != 1 || got[0] != "y" {
		t.Errorf("read %q", got)
	}
}

func TestFullDeviceRefusesAndRecovers(t *testing.T) {
	var full atomic.Bool
	cause := errors.New("no room")
	l := openTest(t, t.TempDir(), 0, Options{Room: func() error {
		if full.Load() {
			return cause
		}
		return nil
	}})
	full.Store(true)
	if _, err := l.Append([]byte("lost")); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	full.Store(false)
	if seq, err := l.Append([]byte("kept")); err != nil || seq != 1 {
		t.Errorf("sequence %d, %v, want 1", seq, err)
	}
	if got := readAll(t, l, 0); len(got) != 1 || got[0] != "kept" {
		t.Errorf("read %q", got)
	}
}

func TestNothingIsAcknowledgedAfterAFailedCommit(t *testing.T) {
	l := openTest(t, t.TempDir(), 0, Options{})
	if _, err := l.Append([]byte("x")); err != nil {
		t.Fatal(err)
	}
	l.db.Close() // the device goes away
	for range 2 {
		if _, err := l.Append([]byte("y")); !errors.Is(err, ErrBroken) {
			t.Errorf("error %v, want ErrBroken", err)
		}
	}
	if l.Broken() == nil {
		t.Error("Broken says nothing")
	}
}

func TestClosedLogRefuses(t *testing.T) {
	l := openTest(t, t.TempDir(), 0, Options{})
	l.Close()
	if _, err := l.Append([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

func TestRecordTooLarge(t *testing.T) {
	l := openTest(t, t.TempDir(), 0, Options{})
	if _, err := l.Append(make([]byte, maxBatch)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	var wait sync.WaitGroup
	for range 8 { // more than one batch holds, all at once
		wait.Go(func() {
			if _, err := l.Append(bytes.Repeat([]byte("z"), maxBatch/3)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := readAll(t, l, 0); len(got) != 8 {
		t.Errorf("%d records, want 8", len(got))
	}
}

func TestFlippedBitIsFound(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, 0, Options{})
	if _, err := l.Append([]byte("something to remember")); err != nil {
		t.Fatal(err)
	}
	b, _, _ := l.Next(0)
	value := bytes.Clone(b.value)
	value[5] ^= 4
	if err := l.db.Update(func(txn *badger.Txn) error { return txn.Set(key(1), value) }); err != nil {
		t.Fatal(err)
	}
	l.Forget(b)
	if _, _, err := l.Next(0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256, 1024} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l := openTest(b, b.TempDir(), 0, Options{})
			record := make([]byte, 24)
			b.ReportAllocs()
			b.SetParallelism(max(1, writers/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := l.Append(record); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(max(1, l.Last())), "records/batch")
		})
	}
}
