package block

import (
	"math/bits"
	"slices"
)

const (
	digitBits = 11 // 2,048 counters stay in the first-level cache
	fewKeys   = 512
)

// Sort sorts keys in place and returns them without repetitions. Many keys are
// sorted by digits, which is several times faster than comparing them.
func (bl *Builder) Sort(keys []Key) []Key {
	if len(keys) < fewKeys {
		slices.Sort(keys)
		return slices.Compact(keys)
	}
	if cap(bl.keys) < len(keys) {
		bl.keys = make([]Key, len(keys)+len(keys)/4)
	}
	var all Key
	for _, k := range keys {
		all |= k
	}
	from, to := keys, bl.keys[:len(keys)]
	for shift := 0; shift < bits.Len64(uint64(all)); shift += digitBits {
		var count [1 << digitBits]int
		for _, k := range from {
			count[k>>shift&(1<<digitBits-1)]++
		}
		at := 0
		for digit, n := range count {
			count[digit] = at
			at += n
		}
		for _, k := range from {
			digit := k >> shift & (1<<digitBits - 1)
			to[count[digit]] = k
			count[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &keys[0] {
		copy(keys, from)
	}
	return slices.Compact(keys)
}
