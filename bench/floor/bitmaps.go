package floor

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"sosie/bench/population"
)

// Bitmaps are one *roaring.Bitmap for each (label, chunk), and one for each
// (label, chunk, day): what a program would keep in memory that used the
// library as it comes.
type Bitmaps struct {
	first, last int                   // days held
	any         [][]*roaring.Bitmap   // chunk, label
	days        [][][]*roaring.Bitmap // day - first, chunk, label
	empty       *roaring.Bitmap
}

// NewBitmaps builds the bitmaps of a population's cycle, those by day only for
// the given labels and for the days from first to last, inclusive, counted from
// the cycle's first day.
func NewBitmaps(p *population.Population, cycle, first, last int, byDay ...int) *Bitmaps {
	daily := map[uint16]bool{}
	for _, l := range byDay {
		daily[uint16(l)] = true
	}
	window := p.Spec().Window
	b := &Bitmaps{first: first, last: last, any: make([][]*roaring.Bitmap, p.Chunks()), empty: roaring.New()}
	b.days = make([][][]*roaring.Bitmap, last-first+1)
	for i := range b.days {
		b.days[i] = make([][]*roaring.Bitmap, p.Chunks())
	}
	for c := range b.any {
		b.any[c] = make([]*roaring.Bitmap, p.Spec().Labels)
		for day, keys := range p.Keys(c, cycle*window, (cycle+1)*window) {
			if day >= first && day <= last {
				of := slices.DeleteFunc(slices.Clone(keys), func(k population.Key) bool { return !daily[k.Label()] })
				b.days[day-first][c] = add(make([]*roaring.Bitmap, p.Spec().Labels), of)
			}
			add(b.any[c], keys)
		}
	}
	return b
}

func add(to []*roaring.Bitmap, keys []population.Key) []*roaring.Bitmap {
	for _, k := range keys {
		l := k.Label()
		if to[l] == nil {
			to[l] = roaring.New()
		}
		to[l].Add(uint32(k.Low()))
	}
	return to
}

// Query is an expression in a normal form: all of the groups, each a union of
// labels, and none of the labels of Not.
type Query struct {
	All [][]int
	Not []int
	// Within restricts every label to the last so many days held; 0 means any
	// time.
	Within int
}

// Count answers the query with the library's operations, chunk by chunk, on
// this goroutine.
func (b *Bitmaps) Count(q Query) uint64 {
	var total uint64
	var scratch []*roaring.Bitmap
	for c := range b.any {
		total += b.count(c, q, &scratch)
	}
	return total
}

// List lists the users of the query, ascending.
func (b *Bitmaps) List(q Query) []uint32 {
	var users []uint32
	var scratch []*roaring.Bitmap
	for c := range b.any {
		found := b.evaluate(c, q, &scratch)
		from := len(users)
		users = append(users, found.ToArray()...)
		for i := range users[from:] {
			users[from+i] |= uint32(c) << 16
		}
	}
	return users
}

// Affinity counts for every label its users, and those that are in the query.
func (b *Bitmaps) Affinity(q Query) (users, common []uint64) {
	users, common = make([]uint64, len(b.any[0])), make([]uint64, len(b.any[0]))
	var scratch []*roaring.Bitmap
	for c := range b.any {
		found := b.evaluate(c, q, &scratch)
		for l, bitmap := range b.any[c] {
			if bitmap != nil {
				users[l] += bitmap.GetCardinality()
				common[l] += bitmap.AndCardinality(found)
			}
		}
	}
	return users, common
}

// evaluate returns the users of one chunk, which must not be changed.
func (b *Bitmaps) evaluate(chunk int, q Query, scratch *[]*roaring.Bitmap) *roaring.Bitmap {
	acc, owned := b.union(chunk, q.All[0], q.Within, scratch)
	for _, group := range q.All[1:] {
		o, _ := b.union(chunk, group, q.Within, scratch)
		if owned {
			acc.And(o)
		} else {
			acc, owned = roaring.And(acc, o), true
		}
	}
	if len(q.Not) == 0 {
		return acc
	}
	not, _ := b.union(chunk, q.Not, q.Within, scratch)
	if !owned {
		return roaring.AndNot(acc, not)
	}
	acc.AndNot(not)
	return acc
}

func (b *Bitmaps) count(chunk int, q Query, scratch *[]*roaring.Bitmap) uint64 {
	acc, owned := b.union(chunk, q.All[0], q.Within, scratch)
	for i, group := range q.All[1:] {
		o, _ := b.union(chunk, group, q.Within, scratch)
		switch {
		case i == len(q.All)-2 && len(q.Not) == 0:
			return acc.AndCardinality(o)
		case owned:
			acc.And(o)
		default:
			acc, owned = roaring.And(acc, o), true
		}
	}
	if len(q.Not) == 0 {
		return acc.GetCardinality()
	}
	not, _ := b.union(chunk, q.Not, q.Within, scratch)
	return acc.GetCardinality() - acc.AndCardinality(not)
}

// union returns the union of the labels, and whether the bitmap is the caller's
// to change.
func (b *Bitmaps) union(chunk int, labels []int, within int, scratch *[]*roaring.Bitmap) (*roaring.Bitmap, bool) {
	operands := (*scratch)[:0]
	for _, l := range labels {
		if within == 0 {
			operands = appendIf(operands, b.any[chunk][l])
			continue
		}
		for day := max(b.last-within+1, b.first); day <= b.last; day++ {
			operands = appendIf(operands, b.days[day-b.first][chunk][l])
		}
	}
	*scratch = operands
	switch len(operands) {
	case 0:
		return b.empty, false
	case 1:
		return operands[0], false
	}
	return roaring.FastOr(operands...), true
}

func appendIf(operands []*roaring.Bitmap, b *roaring.Bitmap) []*roaring.Bitmap {
	if b == nil {
		return operands
	}
	return append(operands, b)
}

// Holds reports whether a user of the cycle matches, for a brute force. last is
// the day on which the window ends.
func (q Query) Holds(h population.Held, last int) bool {
	holds := func(labels []int) bool {
		for _, l := range labels {
			if q.Within == 0 && h.Has(l) || q.Within > 0 && h.HasWithin(l, last-q.Within+1, last) {
				return true
			}
		}
		return false
	}
	for _, group := range q.All {
		if !holds(group) {
			return false
		}
	}
	return !holds(q.Not)
}
