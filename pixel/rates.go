package pixel

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// network is what limits count by: an IPv4 address, or the /64 that one
// household or machine has of IPv6.
type network struct {
	bits uint64
	six  bool
}

func networkOf(a netip.Addr) network {
	a = a.Unmap()
	b := a.As16()
	if !a.Is6() {
		return network{bits: uint64(b[12])<<24 | uint64(b[13])<<16 | uint64(b[14])<<8 | uint64(b[15])}
	}
	var bits uint64
	for _, c := range b[:8] {
		bits = bits<<8 | uint64(c)
	}
	return network{bits: bits, six: true}
}

const (
	ratesWays    = 8
	ratesStripes = 64
)

// rates lets each network take so many an hour, in memory of a fixed size. An
// hour's worth may be taken at once; it comes back evenly.
//
// Per network one time is kept: when all it took will have come back. It is
// found by a hash under a random seed among a set of eight; when the set is
// full, the network that took least is forgotten.
type rates struct {
	every time.Duration // in which one comes back
	seed  maphash.Seed
	sets  [][ratesWays]taken
	locks [ratesStripes]sync.Mutex
}

type taken struct {
	key  uint64 // 0 = empty
	full time.Duration
}

// newRates returns rates of n an hour over so many networks, or nil, which has
// no limit, for 0.
func newRates(n, networks int) *rates {
	if n == 0 {
		return nil
	}
	return &rates{
		every: time.Hour / time.Duration(n),
		seed:  maphash.MakeSeed(),
		sets:  make([][ratesWays]taken, (networks+ratesWays-1)/ratesWays),
	}
}

// take reports whether a network may take one more. now is time since the
// pixel started, which no setting of the clock moves.
func (r *rates) take(n network, now time.Duration) bool {
	if r == nil {
		return true
	}
	slot, unlock := r.find(n, now)
	defer unlock()
	full := max(slot.full, now) + r.every
	if full > now+time.Hour {
		return false
	}
	slot.full = full
	return true
}

// giveBack undoes a take.
func (r *rates) giveBack(n network, now time.Duration) {
	if r == nil {
		return
	}
	slot, unlock := r.find(n, now)
	defer unlock()
	slot.full -= r.every
}

// find returns the slot of a network, locked.
func (r *rates) find(n network, now time.Duration) (*taken, func()) {
	key := maphash.Comparable(r.seed, n) | 1
	i := int((key >> 1) % uint64(len(r.sets)))
	lock, set := &r.locks[i%ratesStripes], &r.sets[i]
	lock.Lock()
	least := &set[0]
	for j := range set {
		if set[j].key == key {
			return &set[j], lock.Unlock
		}
		if set[j].full < least.full {
			least = &set[j]
		}
	}
	*least = taken{key: key, full: now}
	return least, lock.Unlock
}
