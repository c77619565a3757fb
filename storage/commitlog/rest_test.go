package commitlog

import (
	"testing"
	"time"
)

// TestRest: who rests is woken by the first batch, once.
func TestRest(t *testing.T) {
	l, err := Open(t.TempDir(), 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	commit := func() uint64 {
		t.Helper()
		seq, err := l.Append([]byte("hit"))
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	woken := func() bool {
		select {
		case <-l.Woken():
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}
	first := commit()
	if woken() {
		t.Error("woken without a rest")
	}
	if l.Rest(first - 1) {
		t.Error("may rest although there is a batch")
	}
	second := commit()
	if woken() {
		t.Error("woken although there was no rest")
	}
	for range 3 {
		if !l.Rest(second) {
			t.Fatal("may not rest")
		}
		commit()
		second = commit() // finds nobody to wake
		if !woken() || woken() {
			t.Error("not woken once")
		}
	}
}
