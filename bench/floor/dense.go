package floor

import (
	"math/bits"

	"sosie/bench/population"
	"sosie/storage/block"
)

// Dense holds some labels for each (label, day, chunk), empty ones too, in two
// forms: as dense sets, which is what frequency and sequence cost where finding
// and decoding bitmaps costs nothing; and as sorted lists of users, the form in
// which few users are stored, from which a set is made whenever it is needed.
type Dense struct {
	days, chunks int
	sets         map[int][][]block.Words // label, day, chunk
	lists        map[int][][][]uint16
	// FromLists makes the loops start from the lists.
	FromLists bool
	made      [2]block.Words
}

// set returns the users of a label on a day; made is where they are put when they
// are made from a list.
func (d *Dense) set(label, day, chunk, made int) *block.Words {
	if !d.FromLists {
		return &d.sets[label][day][chunk]
	}
	w := &d.made[made]
	w.Clear()
	for _, low := range d.lists[label][day][chunk] {
		w[low>>6] |= 1 << (low & 63)
	}
	return w
}

// NewDense builds the sets of the labels over all days of a population's cycle.
func NewDense(p *population.Population, cycle int, labels ...int) *Dense {
	window := p.Spec().Window
	d := &Dense{days: window, chunks: p.Chunks(), sets: map[int][][]block.Words{}, lists: map[int][][][]uint16{}}
	for _, l := range labels {
		d.sets[l], d.lists[l] = make([][]block.Words, window), make([][][]uint16, window)
		for day := range window {
			d.sets[l][day], d.lists[l][day] = make([]block.Words, p.Chunks()), make([][]uint16, p.Chunks())
		}
	}
	for c := range p.Chunks() {
		for day, keys := range p.Keys(c, cycle*window, (cycle+1)*window) {
			for _, k := range keys {
				if sets, ok := d.sets[int(k.Label())]; ok {
					sets[day][c].Set(k.Low())
					d.lists[int(k.Label())][day][c] = append(d.lists[int(k.Label())][day][c], k.Low())
				}
			}
		}
	}
	return d
}

// Frequency counts the users with one of the labels on at least three days: a
// bare loop that unites each day and adds it to a saturating counter of two
// bits.
func (d *Dense) Frequency(labels []int) uint64 {
	var total uint64
	var low, high, enough block.Words
	for c := range d.chunks {
		low.Fill() // counts begin at 4 − 3
		high.Clear()
		enough.Clear()
		for day := range d.days {
			users := d.set(labels[0], day, c, 0)
			for _, l := range labels[1:] {
				if union := &d.made[0]; users != union {
					*union = *users
					users = union
				}
				users.Or(d.set(l, day, c, 1))
			}
			for i, x := range users {
				carry := low[i] & x
				low[i] ^= x
				enough[i] |= high[i] & carry
				high[i] ^= carry
			}
		}
		total += count(&enough)
	}
	return total
}

// Sequence counts the users with one label on some day and another on a later
// one, at most gap days after, or any number (0): a bare loop that unites the
// days before each day.
func (d *Dense) Sequence(first, second, gap int) uint64 {
	var total uint64
	var before, found block.Words
	for c := range d.chunks {
		before.Clear()
		found.Clear()
		for day := 1; day < d.days; day++ {
			if gap == 0 {
				before.Or(d.set(first, day-1, c, 0))
			} else {
				before.Clear()
				for earlier := max(0, day-gap); earlier < day; earlier++ {
					before.Or(d.set(first, earlier, c, 0))
				}
			}
			now := d.set(second, day, c, 0)
			for i := range now {
				found[i] |= now[i] & before[i]
			}
		}
		total += count(&found)
	}
	return total
}

func count(w *block.Words) uint64 {
	n := 0
	for _, x := range w {
		n += bits.OnesCount64(x)
	}
	return uint64(n)
}
