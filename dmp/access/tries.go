package access

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// The limits of wrong tokens. A client that was given a wrong one and asks every
// few seconds is always told that it is wrong.
const (
	triesPerSecond = 0.5
	triesAtOnce    = 30
	// triesKept is how many addresses each of two generations remembers.
	triesKept = 4096
)

// tries counts the wrong tokens of each address, in memory of a bounded size: when
// a generation is full it becomes the old one, and what nobody asked for since is
// forgotten with the next.
type tries struct {
	mu       sync.Mutex
	now, old map[netip.Prefix]*rate.Limiter
}

func newTries() *tries { return &tries{now: map[netip.Prefix]*rate.Limiter{}} }

// take reports whether an address may be told once more that its token is wrong.
func (t *tries) take(from netip.Addr) bool {
	network := networkOf(from)
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.now[network]
	if l == nil {
		if l = t.old[network]; l == nil {
			l = rate.NewLimiter(triesPerSecond, triesAtOnce)
		}
		if len(t.now) >= triesKept {
			t.old, t.now = t.now, map[netip.Prefix]*rate.Limiter{}
		}
		t.now[network] = l
	}
	return l.Allow()
}

// networkOf is an IPv4 address, or the /64 that one household or machine has.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // an address that is none shares one limit with its like
	return p
}
