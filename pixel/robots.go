package pixel

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/x-way/crawlerdetect"

	"sosie/pixel/rules"
)

// maxChecking is how many hits may wait for a verdict on an agent never met.
// Checks run one at a time: whatever strangers send, they cost one core at most.
const maxChecking = 256

const robotsWays = 8

// verdict is what is known of an agent.
type verdict uint8

const (
	human verdict = iota
	robot
	// unchecked agents are too many at a time, or too many of one network.
	unchecked
)

// robots tells robots by their agent from a maintained list of 1,400 patterns.
// That takes 3 µs a byte, hundreds of times a lookup, so verdicts are
// remembered in a table of fixed size. A slot is a hash of the agent under a
// random seed, its lowest bits replaced by what is known; the agent is not kept:
//
//	 63 …       3 | 2 1    | 0
//	hash of agent | device | robot
//
// A set of slots is one cache line: with fewer, two common agents could drive
// each other out for ever.
type robots struct {
	seed     maphash.Seed
	sets     [][robotsWays]atomic.Uint64
	longest  int
	rates    *rates
	waiting  atomic.Int32
	checking sync.Mutex
}

func newRobots(l Limits) *robots {
	return &robots{
		seed:    maphash.MakeSeed(),
		sets:    make([][robotsWays]atomic.Uint64, (l.Agents+robotsWays-1)/robotsWays),
		longest: l.Agent,
		rates:   newRates(l.AgentsPerHour, l.Addresses),
	}
}

// The lowest bits of a slot.
const (
	slotDevice = 1 // where the device begins
	slotKnown  = 1 | uint64(rules.Unknown|rules.Mobile|rules.Tablet|rules.Desktop)<<slotDevice
)

// check returns the verdict on the agent of a hit, and its class of devices,
// which is rules.Unknown where the verdict is unchecked. The list says nothing of
// an empty agent, which counts as human.
func (r *robots) check(h *Hit, now time.Duration) (verdict, rules.Device) {
	agent := h.Agent[:min(len(h.Agent), r.longest)]
	hash := maphash.Bytes(r.seed, agent) | (slotKnown + 1) // never 0, an empty slot
	if v, d, ok := r.lookup(hash); ok {
		return v, d
	}
	// An agent that many bring at the same time is charged to each of them,
	// though it is checked once.
	if !r.rates.take(networkOf(h.Client), now) {
		return unchecked, rules.Unknown
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > maxChecking {
		return unchecked, rules.Unknown
	}
	r.checking.Lock()
	defer r.checking.Unlock()
	if v, d, ok := r.lookup(hash); ok {
		return v, d
	}
	v, d := human, rules.DeviceOf(agent)
	if crawler(agent) {
		v = robot
	}
	r.remember(hash, v, d)
	return v, d
}

// crawler asks the list.
func crawler(agent []byte) bool { return crawlerdetect.IsCrawler(string(agent)) }

// IsRobot is the verdict on an agent that did not come with a hit. It takes
// hundreds of microseconds and remembers nothing.
func (p *Pixel) IsRobot(agent []byte) bool { return crawler(agent[:min(len(agent), p.robots.longest)]) }

func (r *robots) set(hash uint64) *[robotsWays]atomic.Uint64 {
	return &r.sets[(hash>>8)%uint64(len(r.sets))]
}

func (r *robots) lookup(hash uint64) (verdict, rules.Device, bool) {
	set := r.set(hash)
	for i := range set {
		if known := set[i].Load(); known&^slotKnown == hash&^slotKnown {
			return verdict(known & 1), rules.Device(known & slotKnown >> slotDevice), true
		}
	}
	return human, rules.Unknown, false
}

// remember stores what is known of an agent in an empty slot of its set, or in place of
// another. One goroutine at a time.
func (r *robots) remember(hash uint64, v verdict, d rules.Device) {
	set := r.set(hash)
	slot := &set[(hash>>4)%robotsWays]
	for i := range set {
		if set[i].Load() == 0 {
			slot = &set[i]
			break
		}
	}
	slot.Store(hash&^slotKnown | uint64(v) | uint64(d)<<slotDevice)
}
