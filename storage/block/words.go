package block

import (
	"math/bits"
	"slices"
)

// Users is the number of users of one chunk, and of bits in [Words].
const Users = 1 << 16

// WordCount is the number of 64-bit words of [Words].
const WordCount = Users / 64

// Words is a dense set of one chunk's users: bit i stands for the user
// chunk<<16 | i. At 8 KB it stays in a core's first-level cache, which is why
// expressions are evaluated on it, chunk by chunk.
type Words [WordCount]uint64

// Clear empties the set.
func (w *Words) Clear() { *w = Words{} }

// Fill puts every user of the chunk into the set.
func (w *Words) Fill() {
	for i := range w {
		w[i] = ^uint64(0)
	}
}

// Or adds the users of o.
func (w *Words) Or(o *Words) {
	for i := range w {
		w[i] |= o[i]
	}
}

// And keeps only the users that are also in o.
func (w *Words) And(o *Words) {
	for i := range w {
		w[i] &= o[i]
	}
}

// AndNot removes the users of o.
func (w *Words) AndNot(o *Words) {
	for i := range w {
		w[i] &^= o[i]
	}
}

// Count returns the number of users.
func (w *Words) Count() int {
	n := 0
	for _, x := range w {
		n += bits.OnesCount64(x)
	}
	return n
}

// Empty reports whether no user is in the set.
func (w *Words) Empty() bool {
	for _, x := range w {
		if x != 0 {
			return false
		}
	}
	return true
}

// Set adds one user, given by its place in the chunk.
func (w *Words) Set(low uint16) { w[low>>6] |= 1 << (low & 63) }

// Unset removes one user.
func (w *Words) Unset(low uint16) { w[low>>6] &^= 1 << (low & 63) }

// Has reports whether the user is in the set.
func (w *Words) Has(low uint16) bool { return w[low>>6]>>(low&63)&1 != 0 }

// AppendTo appends the users to dst in ascending order, each as base plus its
// place in the chunk.
func (w *Words) AppendTo(dst []uint32, base uint32) []uint32 {
	for i, x := range w {
		if cap(dst)-len(dst) < 64 {
			dst = slices.Grow(dst, max(Users/8, len(dst)))
		}
		n, at := len(dst), base+uint32(i<<6)
		room := dst[:n+64]
		for x != 0 {
			room[n] = at + uint32(bits.TrailingZeros64(x))
			n++
			x &= x - 1
		}
		dst = room[:n]
	}
	return dst
}

// Each calls fn for every user in ascending order.
func (w *Words) Each(fn func(low uint16)) {
	for i, x := range w {
		for x != 0 {
			fn(uint16(i<<6 + bits.TrailingZeros64(x)))
			x &= x - 1
		}
	}
}
