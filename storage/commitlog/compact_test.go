package commitlog

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sosie/storage/tables"
)

// TestCompactBesideAppends compacts a log that is being written to: no append
// fails, nothing behind the cursor is lost, and nothing before it stays.
func TestCompactBesideAppends(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("customer-4711-0123456789")
	for range 50 {
		if _, err := l.Append(secret); err != nil {
			t.Fatal(err)
		}
	}
	cursor := l.Last()
	var wait sync.WaitGroup
	var stop atomic.Bool
	var longest atomic.Int64
	for range 4 {
		wait.Go(func() {
			for i := 0; !stop.Load(); i++ {
				begin := time.Now()
				if _, err := l.Append(fmt.Appendf(nil, "record %d", i)); err != nil {
					t.Error(err)
					return
				}
				longest.Store(max(longest.Load(), int64(time.Since(begin))))
			}
		})
	}
	for range 3 {
		if err := l.Trim(cursor); err != nil {
			t.Fatal(err)
		}
		if err := l.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wait.Wait()
	t.Logf("the longest append took %v", time.Duration(longest.Load()))
	last := l.Last()
	check := func(when string) {
		t.Helper()
		if n, err := l.Verify(cursor, func([]byte) error { return nil }); err != nil || n != int(last-cursor) {
			t.Errorf("%s: %d of %d batches: %v", when, n, last-cursor, err)
		}
	}
	check("open")
	skipped, err := tables.Each(dir, func(e tables.Entry) error {
		if bytes.Contains(e.Value, secret) || len(e.Key) != 8 || bytes.Equal(e.Key, key(0)) && !e.Deleted {
			return fmt.Errorf("%s holds %x %q, deleted %t", e.File, e.Key, e.Value, e.Deleted)
		}
		return nil
	})
	if err != nil || len(skipped) > 0 {
		t.Error(err, skipped)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, cursor, Options{}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Last() != last || l.trimmed != cursor {
		t.Errorf("after reopening the log goes from %d to %d, want %d to %d", l.trimmed, l.Last(), cursor, last)
	}
	check("reopened")
}

// TestCrashInCompactLeavesAKey opens a log in which only the scratch key was
// written.
func TestCrashInCompactLeavesAKey(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.write(&batch{seq: 0, buf: nil}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, 0, Options{}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.trimmed != 0 || l.Last() != 3 {
		t.Errorf("the log goes from %d to %d, want 0 to 3", l.trimmed, l.Last())
	}
	if err := l.Trim(3); err != nil {
		t.Fatal(err)
	}
	if err := l.Compact(); err != nil {
		t.Fatal(err)
	}
	if seq, err := l.Append([]byte("y")); err != nil || seq != 4 {
		t.Errorf("the next batch is %d: %v", seq, err)
	}
}
