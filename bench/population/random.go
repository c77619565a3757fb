package population

import "math/bits"

// stream is splitmix64: one state word, so that each user has its own stream at
// the price of one multiplication.
type stream uint64

func newStream(seed, of uint64) stream {
	s := stream(seed*0x9e3779b97f4a7c15 ^ of)
	return stream(s.next())
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number under n. Its bias of n/2³² is far below what any
// benchmark can see.
func (s *stream) below(n uint32) uint32 {
	hi, _ := bits.Mul64(s.next(), uint64(n))
	return uint32(hi)
}

// alias draws from fixed weights in constant time (Walker's method in Vose's
// form): a column, and in each column at most two outcomes.
type alias struct {
	keep  []uint32 // the column's own outcome is taken below this threshold
	other []uint32
}

func newAlias(weights []float64) alias {
	n := len(weights)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	a := alias{keep: make([]uint32, n), other: make([]uint32, n)}
	share := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		share[i] = w * float64(n) / total
		if share[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.keep[s], a.other[s] = uint32(share[s]*(1<<32-1)), uint32(l)
		if share[l] -= 1 - share[s]; share[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // rounding leaves a few full columns
		a.keep[i], a.other[i] = 1<<32-1, uint32(i)
	}
	return a
}

// pick turns 64 random bits into an outcome.
func (a *alias) pick(random uint64) uint32 {
	column := uint32(random >> 32 * uint64(len(a.keep)) >> 32)
	if uint32(random) <= a.keep[column] {
		return column
	}
	return a.other[column]
}
