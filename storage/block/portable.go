package block

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"
)

// Container is one label's users of one chunk, in the bytes that roaring, too,
// has for them: an array up to 4,096 users, a bitmap above.
type Container struct {
	// Chunk is the number of the chunk, the upper half of its users' numbers.
	Chunk uint16
	// Card is the number of users, 1 to 65,536.
	Card    int
	payload []byte
}

// Container returns the i-th label's users. It shares the block's memory.
func (b *Block) Container(i int, chunk uint16) Container {
	off := int(b.offs[i])
	return Container{Chunk: chunk, Card: b.Card(i), payload: b.raw[off : off+b.payloadSize(i)]}
}

// A portable roaring bitmap without runs. All numbers are little-endian:
//
//	0       u32  12346
//	4       u32  n, containers
//	8            per container: u16 chunk, u16 users minus one; chunks rise
//	8+4n    u32  off[n]: where each payload starts
//	8+8n         payloads
//
// https://github.com/RoaringBitmap/RoaringFormatSpec
const (
	cookieWithoutRuns = 12346
	portableHead      = 8
	portableIndex     = 8 // bytes per container before the payloads
)

// PortableSize is the number of bytes that AppendPortable appends.
func PortableSize(containers []Container) int {
	size := portableHead + portableIndex*len(containers)
	for _, c := range containers {
		size += len(c.payload)
	}
	return size
}

// AppendPortable appends containers, in ascending order of chunks, as one
// standard portable roaring bitmap of 32-bit users.
func AppendPortable(dst []byte, containers []Container) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, cookieWithoutRuns)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(containers)))
	for _, c := range containers {
		dst = binary.LittleEndian.AppendUint16(dst, c.Chunk)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(c.Card-1))
	}
	at := portableHead + portableIndex*len(containers)
	for _, c := range containers {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(at))
		at += len(c.payload)
	}
	for _, c := range containers {
		dst = append(dst, c.payload...)
	}
	return dst
}

// ParsePortable reads what AppendPortable wrote, and checks all of it. The
// containers share the memory of raw.
func ParsePortable(raw []byte) ([]Container, error) {
	fail := func(format string, args ...any) ([]Container, error) {
		return nil, fmt.Errorf("parse roaring bitmap of %d bytes: %w: %s", len(raw), ErrCorrupt, fmt.Sprintf(format, args...))
	}
	if len(raw) < portableHead {
		return fail("too short")
	}
	if cookie := binary.LittleEndian.Uint32(raw); cookie != cookieWithoutRuns {
		return fail("it starts with %d, a bitmap without runs with %d", cookie, cookieWithoutRuns)
	}
	n := binary.LittleEndian.Uint32(raw[4:])
	if n > Users || portableHead+portableIndex*int(n) > len(raw) {
		return fail("%d containers do not fit", n)
	}
	containers := make([]Container, n)
	index, offs := raw[portableHead:], raw[portableHead+4*n:]
	at := portableHead + portableIndex*int(n)
	for i := range containers {
		c := Container{
			Chunk: binary.LittleEndian.Uint16(index[4*i:]),
			Card:  int(binary.LittleEndian.Uint16(index[4*i+2:])) + 1,
		}
		if i > 0 && c.Chunk <= containers[i-1].Chunk {
			return fail("chunk %d follows %d", c.Chunk, containers[i-1].Chunk)
		}
		size := c.size()
		if int64(binary.LittleEndian.Uint32(offs[4*i:])) != int64(at) || size > len(raw)-at {
			return fail("chunk %d is out of place", c.Chunk)
		}
		c.payload = raw[at : at+size]
		at += size
		if !c.ok() {
			return fail("chunk %d does not match its index", c.Chunk)
		}
		containers[i] = c
	}
	if at != len(raw) {
		return fail("%d bytes are left over", len(raw)-at)
	}
	return containers, nil
}

func (c Container) bitmap() bool { return c.Card > maxArray }

func (c Container) size() int {
	if c.bitmap() {
		return bitmapSize
	}
	return 2 * c.Card
}

// ok reports whether the payload holds as many users as it should, arrays in
// ascending order.
func (c Container) ok() bool {
	if c.bitmap() {
		n := 0
		for i := 0; i < bitmapSize; i += 8 {
			n += bits.OnesCount64(binary.LittleEndian.Uint64(c.payload[i:]))
		}
		return n == c.Card
	}
	for i := 2; i < len(c.payload); i += 2 {
		if binary.LittleEndian.Uint16(c.payload[i:]) <= binary.LittleEndian.Uint16(c.payload[i-2:]) {
			return false
		}
	}
	return true
}

// Each calls fn for every user of the container, by its place in the chunk, in
// ascending order.
func (c Container) Each(fn func(low uint16)) {
	if !c.bitmap() {
		for i := 0; i < len(c.payload); i += 2 {
			fn(binary.LittleEndian.Uint16(c.payload[i:]))
		}
		return
	}
	for i := range WordCount {
		for x := binary.LittleEndian.Uint64(c.payload[8*i:]); x != 0; x &= x - 1 {
			fn(uint16(i<<6 + bits.TrailingZeros64(x)))
		}
	}
}

// Labelled is a label's container.
type Labelled struct {
	Label uint32
	Container
}

// Assemble returns the block of one chunk that holds the given containers, whose
// labels strictly rise; nil without any.
func (bl *Builder) Assemble(parts []Labelled) *Block {
	bl.reset()
	for _, p := range parts {
		if p.bitmap() {
			w := bl.scratch()
			copy(unsafe.Slice((*byte)(unsafe.Pointer(w)), bitmapSize), p.payload)
			bl.words(p.Label)
			continue
		}
		start := len(bl.lows)
		p.Each(func(low uint16) { bl.lows = append(bl.lows, low) })
		bl.array(p.Label, start)
	}
	return bl.build()
}
