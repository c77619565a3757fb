package storage

import (
	"fmt"
	"slices"
	"sort"

	"sosie/storage/block"
)

// ChunkReader reads one chunk of a view after the other, where its bytes lie.
// Days that memory does not hold are streamed from disk once a chunk, however
// many labels are asked for, and let go with the next Open. It serves one
// goroutine at a time.
type ChunkReader struct {
	view     *View
	number   int
	chunk    *chunkView
	streamed map[Day][]*block.Block
	disk     int // days streamed since the reader was made
}

// Reader returns a reader of the view. Call Open before anything else.
func (v *View) Reader() *ChunkReader { return &ChunkReader{view: v} }

// Open moves the reader to a chunk below View.Chunks.
func (r *ChunkReader) Open(chunk int) {
	r.number, r.chunk = chunk, r.view.chunks[chunk]
	clear(r.streamed)
}

// Streamed is how many days of chunks were read from disk, over all of them.
func (r *ChunkReader) Streamed() int { return r.disk }

// Any appends to parts the users that carry l on any day in force. An error
// means blocks that cannot be read: the answer must fail with it.
func (r *ChunkReader) Any(parts []block.Part, l Label) ([]block.Part, error) {
	c := r.chunk
	if c.damage != nil {
		return parts, c.damage
	}
	on := r.view.stamp.Day
	first := r.view.labels.first(l, on)
	if first > on { // deleted: any time may hold it still
		return parts, nil
	}
	parts = appendPart(parts, c.any, l)
	for _, o := range c.open {
		if o.day >= first && o.day <= on {
			parts = appendPart(parts, o.recent, l)
		}
	}
	return parts, nil
}

// EachLabel calls fn for every label that a user of the chunk carries on any day
// in force, in ascending order, with its bitmaps; they are fn's only during the
// call.
func (r *ChunkReader) EachLabel(fn func(l Label, parts []block.Part)) error {
	c := r.chunk
	if c.damage != nil {
		return c.damage
	}
	on := r.view.stamp.Day
	blocks := []*block.Block{c.any}
	days := []Day{on} // any time holds what is in force, but for deleted labels
	for _, o := range c.open {
		if o.day <= on {
			blocks, days = append(blocks, o.recent), append(days, o.day)
		}
	}
	r.merge(blocks, days, fn)
	return nil
}

// EachLabelOn calls fn as EachLabel does, for the labels of one day.
func (r *ChunkReader) EachLabelOn(day Day, fn func(l Label, parts []block.Part)) error {
	var blocks []*block.Block
	if day > r.view.stamp.Day {
		return nil
	}
	if d := r.chunk.sealedDay(day); d != nil {
		sealed, err := r.blocks(d)
		if err != nil {
			return err
		}
		blocks = append(blocks, sealed...)
	}
	if i, open := r.chunk.openDay(day); open {
		blocks = append(blocks, r.chunk.open[i].settled, r.chunk.open[i].recent)
	}
	r.merge(blocks, slices.Repeat([]Day{day}, len(blocks)), fn)
	return nil
}

// merge calls fn for every label of blocks whose days are in force for it.
func (r *ChunkReader) merge(blocks []*block.Block, days []Day, fn func(l Label, parts []block.Part)) {
	on := r.view.stamp.Day
	next := make([]int, len(blocks))
	var parts []block.Part
	for {
		l, found := uint32(0), false
		for i, b := range blocks {
			if next[i] < b.Len() && (!found || b.Label(next[i]) < l) {
				l, found = b.Label(next[i]), true
			}
		}
		if !found {
			return
		}
		first := r.view.labels.first(Label(l), on)
		parts = parts[:0]
		for i, b := range blocks {
			if next[i] == b.Len() || b.Label(next[i]) != l {
				continue
			}
			if days[i] >= first {
				parts = append(parts, b.PartAt(next[i]))
			}
			next[i]++
		}
		if len(parts) > 0 {
			fn(Label(l), parts)
		}
	}
}

// Days appends to parts the users that carry l on a day from first to last, both
// included, as far as these are in force.
func (r *ChunkReader) Days(parts []block.Part, l Label, first, last Day) ([]block.Part, error) {
	c := r.chunk
	first, last = max(first, r.view.labels.first(l, r.view.stamp.Day)), min(last, r.view.stamp.Day)
	for i := c.sealedFrom(first); i < len(c.sealed) && c.sealed[i].day <= last; i++ {
		blocks, err := r.blocks(&c.sealed[i])
		if err != nil {
			return parts, err
		}
		for _, b := range blocks {
			parts = appendPart(parts, b, l)
		}
	}
	for _, o := range c.open {
		if o.day >= first && o.day <= last {
			parts = appendPart(parts, o.settled, l)
			parts = appendPart(parts, o.recent, l)
		}
	}
	return parts, nil
}

// Held appends to days those from first to last of which the chunk holds
// anything, in ascending order.
func (r *ChunkReader) Held(days []Day, first, last Day) []Day {
	c := r.chunk
	last = min(last, r.view.stamp.Day)
	start := len(days)
	for i := c.sealedFrom(first); i < len(c.sealed) && c.sealed[i].day <= last; i++ {
		days = append(days, c.sealed[i].day)
	}
	for _, o := range c.open {
		if o.day >= first && o.day <= last {
			days = append(days, o.day)
		}
	}
	slices.Sort(days[start:])
	return days[:start+len(slices.Compact(days[start:]))]
}

// Mask returns the users that are in a mask.
func (r *ChunkReader) Mask(m Mask) block.Part { return r.view.Mask(r.number, m) }

// blocks returns the blocks of a sealed day, from memory or from disk.
func (r *ChunkReader) blocks(d *sealedDay) ([]*block.Block, error) {
	if d.damage != nil {
		return nil, d.damage
	}
	if d.blocks != nil {
		return d.blocks, nil
	}
	if blocks, ok := r.streamed[d.day]; ok {
		return blocks, nil
	}
	blocks, err := r.view.store.readDay(r.number, d.day, d.classes)
	if err != nil {
		return nil, fmt.Errorf("stream day %s of chunk %d: %w", d.day, r.number, err)
	}
	if r.streamed == nil {
		r.streamed = map[Day][]*block.Block{}
	}
	r.streamed[d.day] = blocks
	r.disk++
	return blocks, nil
}

// sealedFrom is the place of the first sealed day that is not before a day.
func (c *chunkView) sealedFrom(first Day) int {
	return sort.Search(len(c.sealed), func(i int) bool { return c.sealed[i].day >= first })
}

func appendPart(parts []block.Part, b *block.Block, l Label) []block.Part {
	if p := b.Part(uint32(l)); p.Card() > 0 {
		return append(parts, p)
	}
	return parts
}
