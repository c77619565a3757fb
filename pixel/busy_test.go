package pixel

import (
	"sync"
	"sync/atomic"
	"testing"

	"sosie/storage"
)

// TestBusyIsExact: the hit after the limit marks, no other does, and neighbours
// in a word do not touch each other.
func TestBusyIsExact(t *testing.T) {
	for _, limit := range []int{1, 255, 256, 1000, maxBusy} {
		b := busyUsers{limit: uint16(limit)}
		for _, u := range []storage.Ordinal{0, 1, 65535, 65536, 1<<32 - 1} {
			for i := range limit + 3 {
				if got, want := b.exceeds(u, 10), i == limit; got != want {
					t.Fatalf("limit %d, user %d, hit %d: marked %v, want %v", limit, u, i+1, got, want)
				}
			}
		}
	}
	off := busyUsers{}
	if off.exceeds(1, 10) || off.today.Load() != nil {
		t.Error("without a limit something is counted")
	}
}

func TestBusyBeginsAnewEachDay(t *testing.T) {
	b := busyUsers{limit: 2}
	for i, row := range []struct {
		day  storage.Day
		want bool
	}{
		{10, false}, {10, false}, {11, false}, {10, false}, {10, false}, // late hits are of no day that counts
		{11, false}, {11, true}, {11, false},
		{12, false}, {12, false}, {12, true},
		{5, false}, {5, false}, {5, true}, // a clock that was set back
	} {
		if got := b.exceeds(7, row.day); got != row.want {
			t.Errorf("hit %d, on day %d: marked %v, want %v", i, row.day, got, row.want)
		}
	}
	b.retry(7, 5)
	if !b.exceeds(7, 5) {
		t.Error("not marked after the mark was lost")
	}
}

// TestBusyAtOnce: of many hits at the same time one marks.
func TestBusyAtOnce(t *testing.T) {
	b := busyUsers{limit: 1000}
	var marks atomic.Int64
	var hits sync.WaitGroup
	for u := range storage.Ordinal(8) {
		hits.Go(func() {
			for range 400 {
				for _, v := range []storage.Ordinal{2, 3} {
					if b.exceeds(v, 10) {
						marks.Add(1)
					}
				}
				b.exceeds(100+u, 10)
			}
		})
	}
	hits.Wait()
	if marks.Load() != 2 {
		t.Errorf("%d marks, want one for each of 2 users", marks.Load())
	}
}

// TestRobotByBehaviour: a user beyond the limit stays in counts, marked, once.
func TestRobotByBehaviour(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Limits.HitsPerUserPerDay = 5 })
	user, u := h.newUser(t)
	for range 5 {
		user.get("s=shop")
	}
	if h.isRobot(t, u) {
		t.Fatal("marked within the limit")
	}
	user.get("s=shop")
	if !h.isRobot(t, u) {
		t.Fatal("not marked beyond the limit")
	}
	if got := h.Counters(); got.RobotsMarked != 1 {
		t.Errorf("%d users were marked, want 1", got.RobotsMarked)
	}
	h.restart(t) // the mark is durable
	if !h.isRobot(t, u) {
		t.Error("the mark is gone after a restart")
	}
	for range 20 {
		user.get("s=shop")
	}
	if got := h.Counters(); got.RobotsMarked != 0 || got.Stored != 20 {
		t.Errorf("after a restart %d more marks and %d hits stored: want 0 and 20", got.RobotsMarked, got.Stored)
	}
}

// TestMarkIsTriedAgain: the first mark meets a full device.
func TestMarkIsTriedAgain(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Limits.HitsPerUserPerDay = 3 })
	user, u := h.newUser(t)
	for range 3 {
		user.get("s=shop")
	}
	h.Pixel.store = &failing{Store: h.store, append: storage.ErrFull}
	user.get("s=shop")
	h.Pixel.store = h.store
	if h.isRobot(t, u) {
		t.Fatal("marked on a full device")
	}
	user.get("s=shop")
	if !h.isRobot(t, u) {
		t.Error("not marked once there was room")
	}
}

// isRobot reports whether a user is marked.
func (h *house) isRobot(t *testing.T, u storage.Ordinal) bool {
	t.Helper()
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	return h.store.View().Masked(storage.Robot, u)
}

// BenchmarkBusy counts hits of a million users.
func BenchmarkBusy(b *testing.B) {
	users := busyUsers{limit: 1000}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for u := uint32(0); pb.Next(); u += 7919 {
			users.exceeds(storage.Ordinal(u%1_000_000), 10)
		}
	})
}
