package audience

import (
	"cmp"
	"fmt"
	"slices"

	"sosie/storage"
	"sosie/storage/block"
)

// node is a part of a plan. Nodes are immutable and shared by all workers; what
// changes is in the cursor.
type node interface {
	// set overwrites dst with the node's users of the cursor's chunk.
	set(c *cursor, dst *block.Words) error
	// or adds them to dst.
	or(c *cursor, dst *block.Words) error
	// cost estimates the work for one chunk, in bitmaps read.
	cost() int
}

// cursor is one worker's place: a chunk, and the scratch to evaluate it with.
type cursor struct {
	view    reader
	chunk   int
	scratch []*block.Words
	used    int

	population block.Words
	populated  bool // whether population holds that of this chunk
}

func (c *cursor) start(chunk int) { c.chunk, c.used, c.populated = chunk, 0, false }

// take lends scratch of unknown content until give; the last taken is given
// back first. After an error nothing needs to be given back: start forgets it.
func (c *cursor) take() *block.Words {
	if c.used == len(c.scratch) {
		c.scratch = append(c.scratch, new(block.Words))
	}
	c.used++
	return c.scratch[c.used-1]
}

func (c *cursor) give() { c.used-- }

// everybody returns the population of the chunk, read at most once a chunk.
func (c *cursor) everybody() (*block.Words, error) {
	if c.populated {
		return &c.population, nil
	}
	c.population.Clear()
	if err := c.view.OrAny(&c.population, c.chunk, storage.Seen); err != nil {
		return nil, fmt.Errorf("read label seen: %w", err)
	}
	c.populated = true
	return &c.population, nil
}

// tag is a label any time in force (days 0), or from one day to another.
type tag struct {
	label    storage.Label
	days     int
	from, to storage.Day
}

// union is the users of any of its tags; without tags, nobody.
type union struct{ tags []tag }

// tidy sorts the tags by label, so that a chunk is read in order of its index,
// and drops what adds nobody: a label any time covers its windows, of windows
// that end on the same day the longest covers the others, and "seen" covers all.
func (u *union) tidy() {
	if slices.Contains(u.tags, tag{label: storage.Seen}) {
		u.tags = []tag{{label: storage.Seen}}
		return
	}
	slices.SortFunc(u.tags, func(x, y tag) int {
		return cmp.Or(cmp.Compare(x.label, y.label), cmp.Compare(min(x.days, 1), min(y.days, 1)),
			cmp.Compare(x.to, y.to), cmp.Compare(x.from, y.from))
	})
	var kept []tag
	for _, t := range u.tags {
		if n := len(kept); n > 0 && kept[n-1].covers(t) {
			continue
		}
		kept = append(kept, t)
	}
	u.tags = kept
}

// covers reports whether t's users contain those of o.
func (t tag) covers(o tag) bool {
	return t.label == o.label && (t.days == 0 || o.days != 0 && t.from <= o.from && o.to <= t.to)
}

func (u *union) set(c *cursor, dst *block.Words) error {
	dst.Clear()
	return u.or(c, dst)
}

func (u *union) or(c *cursor, dst *block.Words) error {
	for _, t := range u.tags {
		var err error
		if t.days == 0 {
			err = c.view.OrAny(dst, c.chunk, t.label)
		} else {
			err = c.view.OrDays(dst, c.chunk, t.label, t.from, t.to)
		}
		if err != nil {
			return fmt.Errorf("read label %s: %w", c.view.Labels().Spec(t.label).Name, err)
		}
	}
	return nil
}

func (u *union) cost() int {
	cost := 0
	for _, t := range u.tags {
		cost += max(1, t.days)
	}
	return cost
}

// alternative is the users of plain tags or of any other part.
type alternative struct {
	plain *union
	rest  []node
}

func (a *alternative) set(c *cursor, dst *block.Words) error {
	dst.Clear()
	return a.or(c, dst)
}

func (a *alternative) or(c *cursor, dst *block.Words) error {
	if err := a.plain.or(c, dst); err != nil {
		return err
	}
	for _, part := range a.rest {
		if err := part.or(c, dst); err != nil {
			return err
		}
	}
	return nil
}

func (a *alternative) cost() int {
	cost := a.plain.cost()
	for _, part := range a.rest {
		cost += part.cost()
	}
	return cost
}

// intersection is the users of every part, cheapest first, without those of
// one more; no parts at all mean the population.
type intersection struct {
	parts   []node
	without node // nil: nobody is taken out
}

func (n *intersection) set(c *cursor, dst *block.Words) error {
	if len(n.parts) == 0 {
		everybody, err := c.everybody()
		if err != nil {
			return err
		}
		*dst = *everybody
	} else if err := n.parts[0].set(c, dst); err != nil {
		return err
	}
	if len(n.parts) <= 1 && n.without == nil {
		return nil
	}
	if dst.Empty() {
		return nil
	}
	other := c.take()
	defer c.give()
	for i := 1; i < len(n.parts); i++ {
		if err := n.parts[i].set(c, other); err != nil {
			return err
		}
		if !meet(dst, other) {
			return nil
		}
	}
	if n.without == nil {
		return nil
	}
	if err := n.without.set(c, other); err != nil {
		return err
	}
	dst.AndNot(other)
	return nil
}

func (n *intersection) or(c *cursor, dst *block.Words) error {
	own := c.take()
	defer c.give()
	if err := n.set(c, own); err != nil {
		return err
	}
	dst.Or(own)
	return nil
}

func (n *intersection) cost() int {
	cost := 0
	for _, part := range n.parts {
		cost += part.cost()
	}
	if n.without != nil {
		cost += n.without.cost()
	}
	return max(1, cost)
}

// meet keeps in dst the users that are also in o, and reports whether any are
// left, in one pass.
func meet(dst, o *block.Words) bool {
	var left uint64
	for i := range dst {
		dst[i] &= o[i]
		left |= dst[i]
	}
	return left != 0
}
