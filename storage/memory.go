package storage

import (
	"cmp"
	"slices"

	"sosie/storage/block"
)

// blockShare is the part of the memory budget that blocks may fill: the rest
// is for the connections, the events on their way, and the collector's room.
const blockShare = 0.6

// size is the bytes of a sealed day that memory holds.
func (d *sealedDay) size() (n int64) {
	for _, b := range d.blocks {
		n += int64(b.Size())
	}
	return n
}

// evict lets go of the oldest sealed days until the blocks fit the budget;
// any-time blocks, open days and masks always stay. A query that needs an
// evicted day streams it from disk.
func (f *fold) evict() {
	view := f.s.View()
	byDay := map[Day]int64{}
	var fixed, days int64
	for _, c := range view.chunks {
		fixed += int64(c.any.Size() + c.masks.Size())
		for _, o := range c.open {
			fixed += int64(o.settled.Size() + o.recent.Size())
		}
		for i := range c.sealed {
			n := c.sealed[i].size()
			byDay[c.sealed[i].day] += n
			days += n
		}
	}
	budget := int64(float64(f.s.options.Memory)*blockShare) - fixed
	if f.s.options.Memory > 0 && days > budget {
		order := make([]Day, 0, len(byDay))
		for day := range byDay {
			order = append(order, day)
		}
		slices.SortFunc(order, func(a, b Day) int { return cmp.Compare(a, b) })
		for _, day := range order {
			if days <= budget {
				break
			}
			days -= byDay[day]
			f.evictBelow = max(f.evictBelow, day+1)
		}
		f.dropBefore(f.evictBelow)
	}
	f.s.statusMu.Lock()
	f.s.resident, f.s.evictBelow = fixed+days, f.evictBelow
	f.s.statusMu.Unlock()
}

// dropBefore publishes the view without the blocks of sealed days before a day.
func (f *fold) dropBefore(first Day) {
	next := *f.s.View()
	next.chunks = slices.Clone(next.chunks)
	for i, c := range next.chunks {
		if len(c.sealed) == 0 || c.sealed[0].day >= first {
			continue
		}
		fresh := *c
		fresh.sealed = slices.Clone(c.sealed)
		for j := range fresh.sealed {
			if fresh.sealed[j].day < first {
				fresh.sealed[j].blocks = []*block.Block(nil)
			}
		}
		next.chunks[i] = &fresh
	}
	f.s.current.Store(&next)
}
