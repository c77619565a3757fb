package population

import "sync/atomic"

// Held is everything one user carries in one cycle, for a brute force that
// shares no code with the engine.
type Held struct {
	days map[uint16][]int16
}

// Has reports whether the user carries the label on any day of the cycle.
func (h Held) Has(label int) bool {
	_, ok := h.days[uint16(label)]
	return ok
}

// HasWithin reports whether the user carries the label on one of the days from
// first to last, inclusive, counted from the cycle's first day.
func (h Held) HasWithin(label, first, last int) bool {
	for _, d := range h.days[uint16(label)] {
		if int(d) >= first && int(d) <= last {
			return true
		}
	}
	return false
}

// Count counts the users of a cycle that match, by asking one user after the
// other.
func (p *Population) Count(cycle int, match func(Held) bool) uint64 {
	var total atomic.Uint64
	p.eachChunk(func(c int) {
		n := uint64(0)
		h := Held{days: make(map[uint16][]int16)}
		for u := c * ChunkUsers; u < min((c+1)*ChunkUsers, p.spec.Users); u++ {
			clear(h.days)
			p.User(uint32(u), cycle, func(t Tag) { h.days[t.Label] = append([]int16(nil), t.Days...) })
			if match(h) {
				n++
			}
		}
		total.Add(n)
	})
	return total.Load()
}
