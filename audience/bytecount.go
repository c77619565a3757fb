package audience

import (
	"encoding/binary"

	"sosie/storage/block"
)

// byteCounter counts the days of one label, a byte for each user of a chunk. Lists of
// few users go into it as they are, where a counter of planes needs them as words
// first: a third of the time, as long as no day has many users.
//
// Counts begin at enough − atLeast, so that the highest bit of a byte says that
// the user has been met on enough days.
type byteCounter struct {
	counts [block.Users]byte
	room   int // days that can be added before a count could run over
}

// enough is where counts have their highest bit set. It is also the most days that
// may be asked for.
const enough = 1 << 7

// worthBytes is how many users all days together must have: the bytes of a whole
// chunk are written and read however few there are.
const worthBytes = 3_000

// byBytes reports whether bytes are the way to count a label's days in a chunk.
func (f *frequency) byBytes(parts []block.Part) bool {
	if len(f.tags) > 1 || f.atLeast > enough {
		return false
	}
	users := 0
	for _, p := range parts {
		if p.Dense() != nil {
			return false
		}
		users += p.Card()
	}
	return users >= worthBytes
}

func (t *byteCounter) reset(atLeast int) {
	start := uint64(enough-atLeast) * eachByte
	for i := 0; i < len(t.counts); i += 8 {
		binary.LittleEndian.PutUint64(t.counts[i:], start)
	}
	t.room = enough - 1
}

// add counts one day of a list of users.
func (t *byteCounter) add(users []uint16) {
	t.next()
	for _, low := range users {
		t.counts[low]++
	}
}

// addWords counts one day of a set of users.
func (t *byteCounter) addWords(users *block.Words) {
	t.next()
	users.Each(func(low uint16) { t.counts[low]++ })
}

// next makes room for one more day.
func (t *byteCounter) next() {
	if t.room == 0 {
		t.settle()
	}
	t.room--
}

// settle takes counts that are enough back to just that.
func (t *byteCounter) settle() {
	for i := 0; i < len(t.counts); i += 8 {
		x := binary.LittleEndian.Uint64(t.counts[i:])
		binary.LittleEndian.PutUint64(t.counts[i:], x&^(x>>7&eachByte*(enough-1)))
	}
	t.room = enough - 1
}

// result makes dst the users met on enough days.
func (t *byteCounter) result(dst *block.Words) {
	for i := range dst {
		var word uint64
		for j := 0; j < 64; j += 8 {
			x := binary.LittleEndian.Uint64(t.counts[i<<6+j:])
			// The product has bit 8k of what is multiplied at bit 56+k, and no two
			// terms at the same place.
			word |= x >> 7 & eachByte * 0x0102040810204080 >> 56 << j
		}
		dst[i] = word
	}
}

// eachByte has a one in each byte.
const eachByte = 0x0101010101010101
