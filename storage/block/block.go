package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"sort"
	"unsafe"
)

// ErrCorrupt means bytes that are not a block, or not any more.
var ErrCorrupt = errors.New("corrupt block")

const (
	magic      = 'S' | 'B'<<8 | 'K'<<16 | 1<<24
	maxArray   = 4096
	headerSize = 8
	bitmapSize = WordCount * 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Block is everything known of one chunk on one day (or at any time): for each
// label present, the users that carry it. It never changes.
type Block struct {
	raw    []byte
	labels []uint32
	offs   []uint32
	cards  []uint16
}

// layout returns where the index of n labels places its parts.
func layout(n int) (offs, cards, payload int) {
	offs = headerSize + 4*n
	cards = offs + 4*n
	payload = (cards + 2*n + 7) &^ 7
	return offs, cards, payload
}

// allocate returns zeroed bytes that start on a multiple of eight.
func allocate(size int) []byte {
	words := make([]uint64, (size+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:size:size]
}

// view overlays the index of a raw block of n labels; raw is aligned.
func view(raw []byte, n int) *Block {
	b := &Block{raw: raw}
	if n == 0 {
		return b
	}
	offs, cards, _ := layout(n)
	b.labels = unsafe.Slice((*uint32)(unsafe.Pointer(&raw[headerSize])), n)
	b.offs = unsafe.Slice((*uint32)(unsafe.Pointer(&raw[offs])), n)
	b.cards = unsafe.Slice((*uint16)(unsafe.Pointer(&raw[cards])), n)
	return b
}

// Decode copies an encoded block into aligned memory and checks all of it:
// checksum, index and every payload. What it returns can be walked without
// further checks.
func Decode(encoded []byte) (*Block, error) {
	if len(encoded) < headerSize+4 {
		return nil, fmt.Errorf("decode block of %d bytes: %w: too short", len(encoded), ErrCorrupt)
	}
	if got := binary.LittleEndian.Uint32(encoded); got != magic {
		return nil, fmt.Errorf("decode block: %w: magic %08x, want %08x", ErrCorrupt, got, uint32(magic))
	}
	end := len(encoded) - 4
	if crc32.Checksum(encoded[:end], castagnoli) != binary.LittleEndian.Uint32(encoded[end:]) {
		return nil, fmt.Errorf("decode block: %w: checksum differs", ErrCorrupt)
	}
	n := int(binary.LittleEndian.Uint32(encoded[4:]))
	if n > (end-headerSize)/10 {
		return nil, fmt.Errorf("decode block: %w: %d labels do not fit", ErrCorrupt, n)
	}
	raw := allocate(len(encoded))
	copy(raw, encoded)
	b := view(raw, n)
	if err := b.validate(end); err != nil {
		return nil, fmt.Errorf("decode block: %w: %w", ErrCorrupt, err)
	}
	return b, nil
}

func (b *Block) validate(end int) error {
	_, _, next := layout(len(b.labels))
	if next > end {
		return errors.New("index is cut short")
	}
	for i, l := range b.labels {
		if i > 0 && l <= b.labels[i-1] {
			return fmt.Errorf("label %d follows %d", l, b.labels[i-1])
		}
	}
	total := next
	for _, bitmap := range []bool{true, false} { // the order of payloads
		for i := range b.labels {
			if b.bitmap(i) != bitmap {
				continue
			}
			if int(b.offs[i]) != total || total+b.payloadSize(i) > end {
				return fmt.Errorf("payload of label %d is out of place", b.labels[i])
			}
			total += b.payloadSize(i)
			if !b.payloadOK(i) {
				return fmt.Errorf("payload of label %d does not match its index", b.labels[i])
			}
		}
	}
	if (total+3)&^3 != end {
		return errors.New("bytes left over")
	}
	return nil
}

func (b *Block) payloadOK(i int) bool {
	if b.bitmap(i) {
		return b.words(i).Count() == b.Card(i)
	}
	lows := b.array(i)
	for j := 1; j < len(lows); j++ {
		if lows[j] <= lows[j-1] {
			return false
		}
	}
	return true
}

// AppendEncoded appends the block's bytes with their checksum.
func (b *Block) AppendEncoded(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, b.raw[:len(b.raw)-4]...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// Size is the number of bytes of the block, in memory and encoded.
func (b *Block) Size() int {
	if b == nil {
		return 0
	}
	return len(b.raw)
}

// Len is the number of labels present.
func (b *Block) Len() int {
	if b == nil {
		return 0
	}
	return len(b.labels)
}

// Label returns the number of the i-th label present, in ascending order.
func (b *Block) Label(i int) uint32 { return b.labels[i] }

// Card returns the number of users of the i-th label, 1 to 65,536.
func (b *Block) Card(i int) int { return int(b.cards[i]) + 1 }

// Entries is the number of (user, label) pairs.
func (b *Block) Entries() int {
	n := 0
	for i := range b.Len() {
		n += b.Card(i)
	}
	return n
}

// Find returns the place of a label in the index, or -1.
func (b *Block) Find(label uint32) int {
	if b == nil {
		return -1
	}
	i := sort.Search(len(b.labels), func(i int) bool { return b.labels[i] >= label })
	if i < len(b.labels) && b.labels[i] == label {
		return i
	}
	return -1
}

// Or adds the users of a label to dst.
func (b *Block) Or(dst *Words, label uint32) {
	if i := b.Find(label); i >= 0 {
		b.OrAt(dst, i)
	}
}

// OrAt adds the users of the i-th label to dst.
func (b *Block) OrAt(dst *Words, i int) { b.PartAt(i).Or(dst) }

// Has reports whether a user, given by its place in the chunk, carries a label.
func (b *Block) Has(label uint32, low uint16) bool {
	i := b.Find(label)
	return i >= 0 && b.hasAt(i, low)
}

func (b *Block) hasAt(i int, low uint16) bool {
	if b.bitmap(i) {
		return b.words(i).Has(low)
	}
	lows := b.array(i)
	j := sort.Search(len(lows), func(j int) bool { return lows[j] >= low })
	return j < len(lows) && lows[j] == low
}

// Equal reports whether two blocks hold the same users of the same labels.
func (b *Block) Equal(o *Block) bool {
	if b.Len() == 0 || o.Len() == 0 {
		return b.Len() == o.Len()
	}
	// One set of users has one form; the checksum at the end may not be filled in.
	return bytes.Equal(b.raw[:len(b.raw)-4], o.raw[:len(o.raw)-4])
}

// Meets reports whether any of a set of users carries a label.
func (b *Block) Meets(users *Words) bool {
	for i := range b.Len() {
		if b.bitmap(i) {
			for j, x := range b.words(i) {
				if x&users[j] != 0 {
					return true
				}
			}
			continue
		}
		if slices.ContainsFunc(b.array(i), users.Has) {
			return true
		}
	}
	return false
}

// Each calls fn for every user of the i-th label in ascending order.
func (b *Block) Each(i int, fn func(low uint16)) {
	if b.bitmap(i) {
		b.words(i).Each(fn)
		return
	}
	for _, low := range b.array(i) {
		fn(low)
	}
}

// bitmap reports whether the i-th payload is a bitmap: roaring's own rule.
func (b *Block) bitmap(i int) bool { return b.Card(i) > maxArray }

func (b *Block) payloadSize(i int) int {
	if b.bitmap(i) {
		return bitmapSize
	}
	return 2 * b.Card(i)
}

func (b *Block) words(i int) *Words {
	return (*Words)(unsafe.Pointer(&b.raw[b.offs[i]]))
}

func (b *Block) array(i int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(&b.raw[b.offs[i]])), b.Card(i))
}

// littleEndian is checked once: the index and the payloads are read in place.
var _ = func() struct{} {
	probe := uint16(1)
	if *(*byte)(unsafe.Pointer(&probe)) != 1 {
		panic("block: this host is big-endian; blocks are read in place and need a little-endian one")
	}
	return struct{}{}
}()

// orderedBits appends the set bits of one word.
func orderedBits(dst []uint16, base int, x uint64) []uint16 {
	for x != 0 {
		dst = append(dst, uint16(base+bits.TrailingZeros64(x)))
		x &= x - 1
	}
	return dst
}
