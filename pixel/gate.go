package pixel

import (
	"sync/atomic"
	"time"

	"sosie/storage"
)

// The gate decides, from what a hit says of consent, whether the hit may set a
// cookie and be stored. It knows three things: the opt-out cookie and Sec-GPC: 1,
// or gpc=1 of a tag, which refuse everywhere and for good, and what the site wants
// done with hits that say nothing.

// decide returns which cause refuses a hit, or none.
func decide(optOut, gpc bool, s *site) cause {
	switch {
	case optOut:
		return refusedByCookie
	case gpc:
		return refusedByGPC
	case !s.collect:
		return refusedByDefault
	}
	return none
}

// freshFor is how long an opt-out is remembered here: longer than the view
// needs to show it.
const freshFor = time.Minute

// optOuts remembers who opted out lately, so that each opt-out is recorded once
// although the view shows it only after its next publication. A slot holds an
// ordinal above the second it was recorded in; a collision forgets the older,
// which at worst records it once more.
type optOuts [1 << 12]atomic.Uint64

func (o *optOuts) slot(u storage.Ordinal) *atomic.Uint64 { return &o[int(u)%len(o)] }

// fresh reports whether u opted out within freshFor. now is time since the
// pixel started.
func (o *optOuts) fresh(u storage.Ordinal, now time.Duration) bool {
	return fresh(o.slot(u).Load(), u, now)
}

func fresh(slot uint64, u storage.Ordinal, now time.Duration) bool {
	seconds := time.Duration(uint32(slot)) * time.Second
	return slot>>32 == uint64(u) && uint32(slot) != 0 && now+time.Second-seconds < freshFor
}

// enter reports whether the caller is the one to record that u opted out.
func (o *optOuts) enter(u storage.Ordinal, now time.Duration) bool {
	slot := o.slot(u)
	for {
		old := slot.Load()
		if fresh(old, u, now) {
			return false
		}
		// Seconds count from one: a slot of zero is empty.
		if slot.CompareAndSwap(old, uint64(u)<<32|uint64(uint32(now/time.Second)+1)) {
			return true
		}
	}
}

// leave forgets u, whose opt-out could not be recorded.
func (o *optOuts) leave(u storage.Ordinal) {
	slot := o.slot(u)
	if old := slot.Load(); old>>32 == uint64(u) {
		slot.CompareAndSwap(old, 0)
	}
}
