package floor

import (
	"math/bits"

	"sosie/bench/population"
	"sosie/storage/block"
)

// Dense holds some labels as one dense set for each (label, day, chunk), empty
// ones too: what frequency and sequence cost where finding and decoding bitmaps
// costs nothing.
type Dense struct {
	days, chunks int
	sets         map[int][][]block.Words // label, day, chunk
}

// NewDense builds the sets of the labels over all days of a population's cycle.
func NewDense(p *population.Population, cycle int, labels ...int) *Dense {
	window := p.Spec().Window
	d := &Dense{days: window, chunks: p.Chunks(), sets: map[int][][]block.Words{}}
	for _, l := range labels {
		days := make([][]block.Words, window)
		for day := range days {
			days[day] = make([]block.Words, p.Chunks())
		}
		d.sets[l] = days
	}
	for c := range p.Chunks() {
		for day, keys := range p.Keys(c, cycle*window, (cycle+1)*window) {
			for _, k := range keys {
				if sets, ok := d.sets[int(k.Label())]; ok {
					sets[day][c].Set(k.Low())
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
			first := &d.sets[labels[0]][day][c]
			for i := range first {
				x := first[i]
				for _, l := range labels[1:] {
					x |= d.sets[l][day][c][i]
				}
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
				before.Or(&d.sets[first][day-1][c])
			} else {
				before = d.sets[first][max(0, day-gap)][c]
				for earlier := max(0, day-gap) + 1; earlier < day; earlier++ {
					before.Or(&d.sets[first][earlier][c])
				}
			}
			now := &d.sets[second][day][c]
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
