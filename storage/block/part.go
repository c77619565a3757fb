package block

import (
	"math/bits"
	"slices"
)

// Part is the users of one label in one block, read where they lie. The zero
// value has no users. It holds on to its block.
type Part struct {
	bitmap *Words   // above maxArray users
	array  []uint16 // otherwise, strictly rising
	card   int
}

// PartAt returns the users of the i-th label present.
func (b *Block) PartAt(i int) Part {
	if b.bitmap(i) {
		return Part{bitmap: b.words(i), card: b.Card(i)}
	}
	return Part{array: b.array(i), card: b.Card(i)}
}

// Part returns the users of a label; none when it is not present.
func (b *Block) Part(label uint32) Part {
	if i := b.Find(label); i >= 0 {
		return b.PartAt(i)
	}
	return Part{}
}

// PartOf returns the users of w as a part, for as long as w does not change.
func PartOf(w *Words) Part { return Part{bitmap: w, card: w.Count()} }

// Card is the number of users.
func (p Part) Card() int { return p.card }

// Dense returns the users as words that must not be changed, nil where they are
// few; Sparse returns them in ascending order then.
func (p Part) Dense() *Words { return p.bitmap }

// Sparse returns the users in ascending order where they are few; the slice must
// not be changed.
func (p Part) Sparse() []uint16 { return p.array }

// Has reports whether the user at a place of the chunk is in the part.
func (p Part) Has(low uint16) bool {
	if p.bitmap != nil {
		return p.bitmap.Has(low)
	}
	_, found := slices.BinarySearch(p.array, low)
	return found
}

// Or adds the users of the part to w.
func (p Part) Or(w *Words) {
	if p.bitmap != nil {
		w.Or(p.bitmap)
		return
	}
	// Neighbours fall into the same word, and each would wait for the one before
	// it: four places far apart are worked on in turn.
	a, b, c, d, rest := quarters(p.array)
	for i, low := range a {
		w[low>>6] |= 1 << (low & 63)
		w[b[i]>>6] |= 1 << (b[i] & 63)
		w[c[i]>>6] |= 1 << (c[i] & 63)
		w[d[i]>>6] |= 1 << (d[i] & 63)
	}
	for _, low := range rest {
		w[low>>6] |= 1 << (low & 63)
	}
}

// OrCommon adds to w those users of the part that are also in o.
func (p Part) OrCommon(w, o *Words) {
	if p.bitmap != nil {
		for i, x := range p.bitmap {
			w[i] |= x & o[i]
		}
		return
	}
	a, b, c, d, rest := quarters(p.array)
	for i, low := range a {
		w[low>>6] |= o[low>>6] & (1 << (low & 63))
		w[b[i]>>6] |= o[b[i]>>6] & (1 << (b[i] & 63))
		w[c[i]>>6] |= o[c[i]>>6] & (1 << (c[i] & 63))
		w[d[i]>>6] |= o[d[i]>>6] & (1 << (d[i] & 63))
	}
	for _, low := range rest {
		w[low>>6] |= o[low>>6] & (1 << (low & 63))
	}
}

// quarters cuts a list into four of the same length and up to three left over.
func quarters(lows []uint16) (a, b, c, d, rest []uint16) {
	n := len(lows) / 4
	return lows[:n], lows[n:][:n], lows[2*n:][:n], lows[3*n:][:n], lows[4*n:]
}

// And keeps in w only the users of the part.
func (p Part) And(w *Words) {
	if p.bitmap != nil {
		w.And(p.bitmap)
		return
	}
	rest := p.array
	next := 0 // first word not looked at
	for len(rest) > 0 {
		i := int(rest[0] >> 6)
		clear(w[next:i])
		var keep uint64
		for len(rest) > 0 && int(rest[0]>>6) == i {
			keep |= 1 << (rest[0] & 63)
			rest = rest[1:]
		}
		w[i] &= keep
		next = i + 1
	}
	clear(w[next:])
}

// AndNot removes the users of the part from w.
func (p Part) AndNot(w *Words) {
	if p.bitmap != nil {
		w.AndNot(p.bitmap)
		return
	}
	for _, low := range p.array {
		w[low>>6] &^= 1 << (low & 63)
	}
}

// Common returns how many users of w are in the part.
func (p Part) Common(w *Words) int {
	n := 0
	if p.bitmap != nil {
		for i, x := range p.bitmap {
			n += bits.OnesCount64(x & w[i])
		}
		return n
	}
	for _, low := range p.array {
		n += int(w[low>>6] >> (low & 63) & 1)
	}
	return n
}

// Lacking returns how many users of w are not in the part.
func (p Part) Lacking(w *Words) int {
	if p.bitmap == nil {
		return w.Count() - p.Common(w)
	}
	n := 0
	for i, x := range p.bitmap {
		n += bits.OnesCount64(w[i] &^ x)
	}
	return n
}

// Unite makes w the users of any of the parts. Bitmaps are read four at a time:
// what costs is the passes over w.
func (w *Words) Unite(parts []Part) {
	var dense [4]*Words
	n := 0
	begun := false
	for i := range parts {
		if parts[i].bitmap == nil {
			continue
		}
		if n == len(dense) {
			w.unite(&dense, n, begun)
			begun, n = true, 0
		}
		dense[n] = parts[i].bitmap
		n++
	}
	if n > 0 || !begun {
		w.unite(&dense, n, begun)
	}
	for i := range parts {
		if parts[i].bitmap == nil {
			parts[i].Or(w)
		}
	}
}

// meetFew is how many users in arrays Meet can keep on the side.
const meetFew = 512

// Meet keeps in w only the users of some part; it reports whether it could do so
// in one pass, which takes at most four bitmaps, and few users in arrays, such as
// a label of any time and what has come in since. Otherwise w is unchanged.
func (w *Words) Meet(parts []Part) bool {
	var dense [4]*Words
	var kept [meetFew]uint16 // users of arrays that w has
	n, k := 0, 0
	for _, p := range parts {
		if p.bitmap != nil {
			if n == len(dense) {
				return false
			}
			dense[n] = p.bitmap
			n++
			continue
		}
		if k+len(p.array) > len(kept) {
			return false
		}
		for _, low := range p.array {
			kept[k] = low
			k += int(w[low>>6] >> (low & 63) & 1)
		}
	}
	a, b, c, d := dense[0], dense[1], dense[2], dense[3]
	switch n {
	case 0:
		w.Clear()
	case 1:
		w.And(a)
	case 2:
		for i := range w {
			w[i] &= a[i] | b[i]
		}
	case 3:
		for i := range w {
			w[i] &= a[i] | b[i] | c[i]
		}
	default:
		for i := range w {
			w[i] &= a[i] | b[i] | c[i] | d[i]
		}
	}
	for _, low := range kept[:k] {
		w[low>>6] |= 1 << (low & 63)
	}
	return true
}

// Together returns how many users of w are in any of the parts, of all users
// where w is nil; ok is false where that cannot be told without uniting them: for
// more than one part, and one more that is an array.
func Together(parts []Part, w *Words) (n int, ok bool) {
	if len(parts) == 0 {
		return 0, true
	}
	first := parts[0]
	if n = first.card; w != nil {
		n = first.Common(w)
	}
	if len(parts) == 1 {
		return n, true
	}
	if len(parts) > 2 || parts[1].bitmap != nil {
		return 0, false
	}
	for _, low := range parts[1].array {
		if (w == nil || w.Has(low)) && !first.Has(low) {
			n++
		}
	}
	return n, true
}

// unite makes w the union of up to four sets, and of itself if it has begun.
func (w *Words) unite(dense *[4]*Words, n int, begun bool) {
	a, b, c, d := dense[0], dense[1], dense[2], dense[3]
	switch {
	case n == 0:
		w.Clear()
	case n == 1 && !begun:
		*w = *a
	case n == 2 && !begun:
		for i := range w {
			w[i] = a[i] | b[i]
		}
	case n == 3 && !begun:
		for i := range w {
			w[i] = a[i] | b[i] | c[i]
		}
	case n == 4 && !begun:
		for i := range w {
			w[i] = a[i] | b[i] | c[i] | d[i]
		}
	case n == 1:
		w.Or(a)
	case n == 2:
		for i := range w {
			w[i] |= a[i] | b[i]
		}
	case n == 3:
		for i := range w {
			w[i] |= a[i] | b[i] | c[i]
		}
	default:
		for i := range w {
			w[i] |= a[i] | b[i] | c[i] | d[i]
		}
	}
}
