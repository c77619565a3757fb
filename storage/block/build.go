package block

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// Builder assembles a block from its labels in ascending order. It is reused
// from block to block; what it built shares no memory with it.
type Builder struct {
	parts []part
	lows  []uint16 // arena of new arrays
	dense []Words  // arena of new bitmaps
	keys  []Key    // scratch of Sort
}

// part is one label of the block to come; its users are in an existing block
// (from) or in one of the arenas.
type part struct {
	label uint32
	card  int
	from  *Block
	at    int // place in from, start in lows, or place in dense
}

func (bl *Builder) reset() {
	bl.parts, bl.lows, bl.dense = bl.parts[:0], bl.lows[:0], bl.dense[:0]
}

// copyOf takes the i-th label of an existing block over as it is.
func (bl *Builder) copyOf(b *Block, i int) {
	bl.parts = append(bl.parts, part{label: b.labels[i], card: b.Card(i), from: b, at: i})
}

// array adds a label whose users are the arena's lows from start on.
func (bl *Builder) array(label uint32, start int) {
	card := len(bl.lows) - start
	switch {
	case card == 0:
	case card > maxArray:
		w := bl.scratch()
		for _, low := range bl.lows[start:] {
			w.Set(low)
		}
		bl.lows = bl.lows[:start]
		bl.parts = append(bl.parts, part{label: label, card: card, at: len(bl.dense) - 1})
	default:
		bl.parts = append(bl.parts, part{label: label, card: card, at: start})
	}
}

// scratch returns an empty set in the arena, to be filled and then given to
// words. It is valid until the next call.
func (bl *Builder) scratch() *Words {
	if len(bl.dense) < cap(bl.dense) {
		bl.dense = bl.dense[:len(bl.dense)+1]
		bl.dense[len(bl.dense)-1].Clear()
	} else {
		bl.dense = append(bl.dense, Words{})
	}
	return &bl.dense[len(bl.dense)-1]
}

// words adds a label whose users are the set last given out by scratch.
func (bl *Builder) words(label uint32) {
	last := len(bl.dense) - 1
	w := &bl.dense[last]
	card := w.Count()
	if card > maxArray {
		bl.parts = append(bl.parts, part{label: label, card: card, at: last})
		return
	}
	start := len(bl.lows)
	for i, x := range w {
		bl.lows = orderedBits(bl.lows, i<<6, x)
	}
	bl.dense = bl.dense[:last]
	bl.array(label, start)
}

// Gather returns the block of the labels 0 to n-1, whose users fill writes into an
// empty set; nil where none has any. An error of fill ends it.
func (bl *Builder) Gather(n int, fill func(label uint32, users *Words) error) (*Block, error) {
	bl.reset()
	for label := range uint32(n) {
		if err := fill(label, bl.scratch()); err != nil {
			return nil, err
		}
		bl.words(label)
	}
	return bl.build(), nil
}

// build returns the block, or nil when it has no label.
func (bl *Builder) build() *Block {
	if len(bl.parts) == 0 {
		return nil
	}
	n := len(bl.parts)
	_, _, payload := layout(n)
	bitmaps, size := 0, payload
	for _, p := range bl.parts {
		if p.card > maxArray {
			bitmaps++
			size += bitmapSize
		} else {
			size += 2 * p.card
		}
	}
	raw := allocate((size+3)&^3 + 4)
	binary.LittleEndian.PutUint32(raw, magic)
	binary.LittleEndian.PutUint32(raw[4:], uint32(n))
	b := view(raw, n)
	nextBitmap, nextArray := payload, payload+bitmaps*bitmapSize
	for i, p := range bl.parts {
		b.labels[i], b.cards[i] = p.label, uint16(p.card-1)
		from := bl.payload(p)
		if p.card > maxArray {
			b.offs[i] = uint32(nextBitmap)
			nextBitmap += copy(raw[nextBitmap:], from)
		} else {
			b.offs[i] = uint32(nextArray)
			nextArray += copy(raw[nextArray:], from)
		}
	}
	return b
}

func (bl *Builder) payload(p part) []byte {
	switch {
	case p.from != nil:
		off := int(p.from.offs[p.at])
		return p.from.raw[off : off+p.from.payloadSize(p.at)]
	case p.card > maxArray:
		return unsafe.Slice((*byte)(unsafe.Pointer(&bl.dense[p.at])), bitmapSize)
	default:
		return unsafe.Slice((*byte)(unsafe.Pointer(&bl.lows[p.at])), 2*p.card)
	}
}

// Key is one (label, user) of a chunk: the label above, the user's place in
// the chunk in the low sixteen bits. Keys sort by label, then user.
type Key uint64

// MakeKey composes a key.
func MakeKey(label uint32, low uint16) Key { return Key(label)<<16 | Key(low) }

// Label is the key's label.
func (k Key) Label() uint32 { return uint32(k >> 16) }

// Low is the user's place in the chunk.
func (k Key) Low() uint16 { return uint16(k) }

// Merge returns b with the keys added, and moves the keys that b did not hold
// yet to the front of keys, whose length it returns cut to them. The keys are
// sorted and unique; b may be nil. Without a new key it returns b itself.
func (bl *Builder) Merge(b *Block, keys []Key) (*Block, []Key) {
	keys = Absent(b, keys)
	if len(keys) == 0 {
		return b, keys
	}
	bl.reset()
	i, n := 0, b.Len()
	for rest := keys; len(rest) > 0; {
		label := rest[0].Label()
		run := 1
		for run < len(rest) && rest[run].Label() == label {
			run++
		}
		for i < n && b.labels[i] < label {
			bl.copyOf(b, i)
			i++
		}
		if i < n && b.labels[i] == label {
			bl.add(b, i, rest[:run])
			i++
		} else {
			start := len(bl.lows)
			for _, k := range rest[:run] {
				bl.lows = append(bl.lows, k.Low())
			}
			bl.array(label, start)
		}
		rest = rest[run:]
	}
	for ; i < n; i++ {
		bl.copyOf(b, i)
	}
	return bl.build(), keys
}

// add merges new keys of one label into the i-th label of b.
func (bl *Builder) add(b *Block, i int, keys []Key) {
	label := b.labels[i]
	if b.bitmap(i) {
		w := bl.scratch()
		*w = *b.words(i)
		for _, k := range keys {
			w.Set(k.Low())
		}
		bl.words(label)
		return
	}
	start := len(bl.lows)
	old := b.array(i)
	for _, k := range keys {
		low := k.Low()
		cut, _ := slices.BinarySearch(old, low)
		bl.lows = append(append(bl.lows, old[:cut]...), low)
		old = old[cut:]
	}
	bl.lows = append(bl.lows, old...)
	bl.array(label, start)
}

// Absent keeps, in place, the sorted keys that b does not hold.
func Absent(b *Block, keys []Key) []Key {
	if b.Len() == 0 {
		return keys
	}
	kept := keys[:0]
	for i, at := 0, -1; i < len(keys); i++ {
		k := keys[i]
		if i == 0 || k.Label() != keys[i-1].Label() {
			at = b.Find(k.Label())
		}
		if at < 0 || !b.hasAt(at, k.Low()) {
			kept = append(kept, k)
		}
	}
	return kept
}

// Union returns all labels of the blocks together. keep, when not nil, is asked
// for every label of every block whether it takes part; drop, when not nil,
// holds users that do not.
func (bl *Builder) Union(blocks []*Block, keep func(block int, label uint32) bool, drop *Words) *Block {
	bl.reset()
	next := make([]int, len(blocks))
	var sources []part
	for {
		label, found := uint32(0), false
		for j, b := range blocks {
			if next[j] < b.Len() && (!found || b.labels[next[j]] < label) {
				label, found = b.labels[next[j]], true
			}
		}
		if !found {
			return bl.build()
		}
		sources = sources[:0]
		for j, b := range blocks {
			if next[j] < b.Len() && b.labels[next[j]] == label {
				if keep == nil || keep(j, label) {
					sources = append(sources, part{from: b, at: next[j], card: b.Card(next[j])})
				}
				next[j]++
			}
		}
		bl.unite(label, sources, drop)
	}
}

func (bl *Builder) unite(label uint32, sources []part, drop *Words) {
	total := 0
	for _, s := range sources {
		total += s.card
	}
	switch {
	case total == 0:
	case len(sources) == 1 && drop == nil:
		bl.copyOf(sources[0].from, sources[0].at)
	case total <= sparse:
		start := len(bl.lows)
		for _, s := range sources {
			bl.lows = append(bl.lows, s.from.array(s.at)...)
		}
		lows := bl.lows[start:]
		slices.Sort(lows)
		lows = slices.Compact(lows)
		if drop != nil {
			lows = slices.DeleteFunc(lows, drop.Has)
		}
		bl.lows = bl.lows[:start+len(lows)]
		bl.array(label, start)
	default:
		w := bl.scratch()
		for _, s := range sources {
			s.from.OrAt(w, s.at)
		}
		if drop != nil {
			w.AndNot(drop)
		}
		bl.words(label)
	}
}

// sparse is the number of users up to which sorting a list is cheaper than
// clearing and scanning dense words.
const sparse = 128

// Toggle returns b with one label's users added and others removed.
func (bl *Builder) Toggle(b *Block, label uint32, add, remove *Words) *Block {
	bl.reset()
	merged := false
	put := func(at int) {
		w := bl.scratch()
		if at >= 0 {
			b.OrAt(w, at)
		}
		w.Or(add)
		w.AndNot(remove)
		bl.words(label)
		merged = true
	}
	for i := range b.Len() {
		switch {
		case b.labels[i] == label:
			put(i)
		case b.labels[i] > label && !merged:
			put(-1)
			bl.copyOf(b, i)
		default:
			bl.copyOf(b, i)
		}
	}
	if !merged {
		put(-1)
	}
	return bl.build()
}
