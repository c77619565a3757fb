package audience

import (
	"fmt"
	"math/bits"

	"sosie/storage"
	"sosie/storage/block"
)

// frequency is the users with one of the tags on at least so many distinct
// days. Each day's users are united first, then added to a counter of a few
// bits for each user, one word of 64 users at a time. A single label with few users
// on each day needs no union: bytes count them.
type frequency struct {
	tags     []tag // with days
	from, to storage.Day
	atLeast  int // 2 or more; one day is a union
}

func newFrequency(tags []tag, atLeast int) *frequency {
	f := &frequency{tags: distinct(tags), atLeast: atLeast}
	f.from, f.to = span(tags)
	return f
}

// counter counts days for each user of a chunk, by bit: plane p holds bit p of
// everybody's count. Counts begin at 2^planes − atLeast, so that the carry out
// of the last plane says "enough", and it is kept: a count that runs over again
// changes nothing.
type counter struct {
	planes []*block.Words
	enough *block.Words
}

// newCounter sets up a counter in scratch; enough is where the answer will be.
func (f *frequency) newCounter(c *cursor, enough *block.Words) counter {
	n := counter{planes: c.planes[:0], enough: enough}
	enough.Clear()
	width := bits.Len(uint(f.atLeast - 1))
	start := 1<<width - f.atLeast
	for p := range width {
		plane := c.take()
		if start>>p&1 == 1 {
			plane.Fill()
		} else {
			plane.Clear()
		}
		n.planes = append(n.planes, plane)
	}
	c.planes = n.planes
	return n
}

// add counts one day of a set of users.
func (n *counter) add(day *block.Words) {
	if len(n.planes) == 2 { // three or four days, the commonest question
		low, high, enough := n.planes[0], n.planes[1], n.enough
		for i, x := range day {
			carry := low[i] & x
			low[i] ^= x
			enough[i] |= high[i] & carry
			high[i] ^= carry
		}
		return
	}
	for i, carry := range day {
		for p := 0; carry != 0 && p < len(n.planes); p++ {
			plane := n.planes[p]
			plane[i], carry = plane[i]^carry, plane[i]&carry
		}
		n.enough[i] |= carry
	}
}

// few is how many users are counted one by one: more are cheaper to set in words
// first, which are then added 64 at a time.
const few = 100

// addFew counts one day of few users, one by one.
func (n *counter) addFew(users []uint16) {
	for _, low := range users {
		i, carry := low>>6, uint64(1)<<(low&63)
		for _, plane := range n.planes {
			had := plane[i] & carry
			plane[i] ^= carry
			if carry = had; carry == 0 {
				break
			}
		}
		n.enough[i] |= carry
	}
}

func (f *frequency) set(c *cursor, dst *block.Words) error {
	c.days = c.read.Held(c.days[:0], f.from, f.to)
	if err := c.gatherDaily(f.tags, c.days); err != nil {
		return err
	}
	if f.byBytes(c.parts) {
		f.countBytes(c, dst)
	} else {
		f.countPlanes(c, dst)
	}
	return nil
}

// countBytes counts the days gathered, user by user.
func (f *frequency) countBytes(c *cursor, dst *block.Words) {
	if c.bytes == nil {
		c.bytes = new(byteCounter)
	}
	c.bytes.reset(f.atLeast)
	for parts := range c.daily() {
		if len(parts) == 1 {
			c.bytes.add(parts[0].Sparse())
			continue
		}
		day := c.take() // a user may be in more than one of the parts
		day.Unite(parts)
		c.bytes.addWords(day)
		c.give()
	}
	c.bytes.result(dst)
}

// countPlanes counts the days gathered, word by word.
func (f *frequency) countPlanes(c *cursor, dst *block.Words) {
	used := c.used
	n := f.newCounter(c, dst)
	day := c.take()
	for parts := range c.daily() {
		switch dense, sparse := parts[0].Dense(), parts[0].Sparse(); {
		case len(parts) == 1 && dense != nil:
			n.add(dense)
		case len(parts) == 1 && len(sparse) < few:
			n.addFew(sparse)
		default:
			day.Unite(parts)
			n.add(day)
		}
	}
	c.used = used
}

func (f *frequency) or(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.Or(own) })
}

func (f *frequency) and(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.And(own) })
}

func (f *frequency) andNot(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.AndNot(own) })
}

func (f *frequency) cost() int { return dailyCost(f.tags) }

func (f *frequency) explain(labels *storage.Labels) (string, []node) {
	return fmt.Sprintf("on %d+ days: %s", f.atLeast, named(f.tags, labels)), nil
}

// distinct drops the tags that are there already.
func distinct(tags []tag) []tag {
	u := union{tags: tags}
	u.tidy()
	return u.tags
}

// span is the first and the last day of any of the tags.
func span(tags []tag) (first, last storage.Day) {
	for i, t := range tags {
		if i == 0 || t.from < first {
			first = t.from
		}
		last = max(last, t.to)
	}
	return first, last
}

// dailyCost is the bitmaps read by something that looks at each day, and the
// work on what was read.
func dailyCost(tags []tag) int {
	cost := 1
	for _, t := range tags {
		cost += 2 * t.days()
	}
	return cost
}
