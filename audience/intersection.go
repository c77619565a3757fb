package audience

import (
	"sosie/storage"
	"sosie/storage/block"
)

// intersection is the users of every part, cheapest first, without those of
// one more; no parts at all mean the population of today.
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
	return n.narrow(c, dst, min(1, len(n.parts)))
}

// narrow keeps in dst the users of the parts from the given one on. It stops as
// soon as nobody is left.
func (n *intersection) narrow(c *cursor, dst *block.Words, from int) error {
	for _, part := range n.parts[from:] {
		if dst.Empty() {
			return nil
		}
		if err := part.and(c, dst); err != nil {
			return err
		}
	}
	if n.without == nil || dst.Empty() {
		return nil
	}
	return n.without.andNot(c, dst)
}

// count counts the users without listing them all: the last step, whatever it
// is, and the count are one pass where it reads one bitmap.
func (n *intersection) count(c *cursor) (int, error) {
	own := c.take()
	defer c.give()
	before := intersection{parts: n.parts}
	last, taking := n.without, true
	if last == nil && len(n.parts) > 0 {
		end := len(n.parts) - 1
		before.parts, last, taking = n.parts[:end], n.parts[end], false
	}
	if err := before.set(c, own); err != nil || own.Empty() {
		return 0, err
	}
	if u, ok := last.(*union); ok {
		parts, err := c.gather(u.tags)
		if err != nil {
			return 0, err
		}
		if taking && len(parts) == 1 {
			return parts[0].Lacking(own), nil
		}
		if n, ok := block.Together(parts, own); ok && taking {
			return own.Count() - n, nil
		} else if ok {
			return n, nil
		}
	}
	var err error
	if taking {
		err = last.andNot(c, own)
	} else {
		err = last.and(c, own)
	}
	return own.Count(), err
}

func (n *intersection) or(c *cursor, dst *block.Words) error {
	return apart(c, n, func(own *block.Words) { dst.Or(own) })
}

func (n *intersection) and(c *cursor, dst *block.Words) error {
	if len(n.parts) == 0 {
		everybody, err := c.everybody()
		if err != nil {
			return err
		}
		dst.And(everybody)
	}
	return n.narrow(c, dst, 0)
}

func (n *intersection) andNot(c *cursor, dst *block.Words) error {
	return apart(c, n, func(own *block.Words) { dst.AndNot(own) })
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

func (n *intersection) explain(*storage.Labels) (string, []node) {
	of := n.parts
	if len(of) == 0 {
		of = []node{everybody()}
	}
	if n.without == nil {
		return "all of, cheapest first", of
	}
	return "all but the last of", append(of[:len(of):len(of)], n.without)
}
