package storage

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sosie/storage/block"
)

func TestFullDeviceStopsAndResumes(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 30)
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now, Reserve: 1 << 20, free: func(string) (int64, error) { return free.Load(), nil }})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	add(t, s, 1, clock.Day(), l)
	free.Store(1<<20 - 1)
	var r Records
	r.Hit(2, clock.Day(), l)
	if _, err := s.Append(&r); !errors.Is(err, ErrFull) {
		t.Errorf("append: error %v, want ErrFull", err)
	}
	if err := s.Checkpoint(); !errors.Is(err, ErrFull) {
		t.Errorf("checkpoint: error %v, want ErrFull", err)
	}
	clock.Advance(24 * time.Hour)
	if err := s.Seal(); !errors.Is(err, ErrFull) {
		t.Errorf("seal: error %v, want ErrFull", err)
	}
	wantUsers(t, users(t, s, l), 1)
	status, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(status.Warnings, "\n"); !strings.Contains(text, "kept in reserve") {
		t.Errorf("status does not say that the device is full: %q", text)
	}
	free.Store(1 << 30)
	add(t, s, 2, clock.Day(), l)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	wantUsers(t, users(t, s, l), 1, 2)
	wantUsers(t, users(t, s, l, clock.Day()-1, clock.Day()-1), 1)
}

func TestClockJumpDeletesNothingUntilConfirmed(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a", Retention: 3})[0]
	day := clock.Day()
	add(t, s, 1, day, l)
	clock.Advance(365 * 24 * time.Hour)
	add(t, s, 2, clock.Day(), l)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	onDisk := func() bool {
		b, err := s.readBlock(3, day, 0)
		if err != nil {
			t.Fatal(err)
		}
		return b != nil
	}
	wantUsers(t, users(t, s, l), 2)
	if !onDisk() {
		t.Error("a jump of the clock deleted a day")
	}
	status, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(status.Warnings, "\n"), "clock") {
		t.Errorf("no warning of the clock: %q", status.Warnings)
	}
	if err := s.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(24 * time.Hour)
	add(t, s, 2, clock.Day(), l)
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	if onDisk() {
		t.Error("the day is still there after the jump was confirmed")
	}
}

func TestFlippedBitFailsTheAnswersThatNeedIt(t *testing.T) {
	dir, clock := t.TempDir(), newTestClock()
	s := openTest(t, Options{Dir: dir, Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	day := clock.Day()
	add(t, s, 1, day, l)
	clock.Advance(24 * time.Hour)
	add(t, s, 2, clock.Day(), l)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	b, err := s.readBlock(DefaultRetention, day, 0)
	if err != nil || b == nil {
		t.Fatalf("block %v, %v", b, err)
	}
	bad := b.AppendEncoded(nil)
	bad[len(bad)/2] ^= 1
	if err := s.set(append(blockKey(DefaultRetention, day, 0), 0), bad); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Clock: clock.Now})
	w := &block.Words{}
	if err := s.View().OrAny(w, 0, l); !errors.Is(err, ErrCorrupt) {
		t.Errorf("any time: error %v, want ErrCorrupt", err)
	}
	if err := s.View().OrDays(w, 0, l, day, day); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the day itself: error %v, want ErrCorrupt", err)
	}
	if err := s.View().OrDays(w, 0, l, day+1, day+1); err != nil {
		t.Errorf("another day: %v", err)
	}
	status, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(status.Warnings, "\n"), "cannot be read") {
		t.Errorf("no warning of the damage: %q", status.Warnings)
	}
}

// TestSealingGoesOnPastDamage has a late event for a day that cannot be read:
// it must stay in the log's keeping, and other days must be sealed.
func TestSealingGoesOnPastDamage(t *testing.T) {
	dir, clock := t.TempDir(), newTestClock()
	s := openTest(t, Options{Dir: dir, Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	day := clock.Day()
	add(t, s, 1, day, l)
	clock.Advance(24 * time.Hour)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	if err := s.set(append(blockKey(DefaultRetention, day, 0), 0), []byte("not a block")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Clock: clock.Now})
	add(t, s, 2, day, l)
	add(t, s, 3, clock.Day(), l)
	clock.Advance(24 * time.Hour)
	if err := s.Seal(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("seal: error %v, want ErrCorrupt", err)
	}
	if b, err := s.readBlock(DefaultRetention, day+1, 0); err != nil || b == nil {
		t.Errorf("the day after the damaged one was not sealed: %v", err)
	}
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Clock: clock.Now})
	found := false
	for _, c := range s.View().chunks {
		for _, o := range c.open {
			found = found || o.day == day && (o.recent.Has(uint32(l), 2) || o.settled.Has(uint32(l), 2))
		}
	}
	if !found {
		t.Error("the late event of the damaged day is lost")
	}
}

func TestErasedUsersDayIsSealedEmpty(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	l := declare(t, s, LabelSpec{Name: "a"})[0]
	day := clock.Day()
	add(t, s, 1, day, l)
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	var r Records
	r.Mask(Erased, 1, true)
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	clock.Advance(24 * time.Hour)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	wantUsers(t, users(t, s, l, day, day))
}
