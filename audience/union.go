package audience

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sosie/storage"
	"sosie/storage/block"
)

// tag is a label on the days from one to another, both included; when it is not
// dated, on any day in force today.
type tag struct {
	label    storage.Label
	dated    bool
	from, to storage.Day
}

func (t tag) always() bool { return !t.dated }

// covers reports whether t's users contain those of o.
func (t tag) covers(o tag) bool {
	return t.label == o.label && (t.always() || !o.always() && t.from <= o.from && o.to <= t.to)
}

// days is the number of days, 0 for a tag that is not dated.
func (t tag) days() int {
	if !t.dated {
		return 0
	}
	return int(t.to-t.from) + 1
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
		return cmp.Or(cmp.Compare(x.label, y.label), cmp.Compare(min(x.days(), 1), min(y.days(), 1)),
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

func (u *union) set(c *cursor, dst *block.Words) error {
	parts, err := c.gather(u.tags)
	if err == nil {
		dst.Unite(parts)
	}
	return err
}

func (u *union) or(c *cursor, dst *block.Words) error {
	parts, err := c.gather(u.tags)
	for _, part := range parts {
		part.Or(dst)
	}
	return err
}

func (u *union) and(c *cursor, dst *block.Words) error {
	parts, err := c.gather(u.tags)
	switch {
	case err != nil:
	case len(parts) == 0:
		dst.Clear()
	case len(parts) == 1:
		parts[0].And(dst)
	case dst.Meet(parts):
	default:
		own := c.take()
		own.Unite(parts)
		dst.And(own)
		c.give()
	}
	return err
}

func (u *union) andNot(c *cursor, dst *block.Words) error {
	parts, err := c.gather(u.tags)
	for _, part := range parts {
		part.AndNot(dst)
	}
	return err
}

func (u *union) cost() int {
	cost := 0
	for _, t := range u.tags {
		if cost++; !t.always() {
			cost += t.days() - 1
		}
	}
	return cost
}

// maxNamed is how many tags an explanation names one by one.
const maxNamed = 4

func (u *union) explain(labels *storage.Labels) (string, []node) { return named(u.tags, labels), nil }

// named lists tags for a person, those of the same days together.
func named(tags []tag, labels *storage.Labels) string {
	if len(tags) == 0 {
		return "nobody"
	}
	tags = slices.Clone(tags)
	slices.SortStableFunc(tags, func(x, y tag) int { return cmp.Or(cmp.Compare(x.days(), y.days()), cmp.Compare(x.from, y.from)) })
	var out []string
	for len(tags) > 0 {
		n := 1
		for n < len(tags) && tags[n].dated == tags[0].dated && tags[n].from == tags[0].from && tags[n].to == tags[0].to {
			n++
		}
		out = append(out, together(tags[:n], labels))
		tags = tags[n:]
	}
	return strings.Join(out, "; ")
}

// together lists tags of the same days.
func together(tags []tag, labels *storage.Labels) string {
	var names []string
	for i, t := range tags {
		if i == maxNamed && len(tags) > maxNamed+1 {
			names = append(names, fmt.Sprintf("%d more", len(tags)-i))
			break
		}
		names = append(names, labels.Spec(t.label).Name)
	}
	text := strings.Join(names, ", ")
	switch t := tags[0]; {
	case t.always():
		return text
	case t.from == t.to:
		return text + " on " + t.to.String()
	default:
		return fmt.Sprintf("%s from %s to %s", text, t.from, t.to)
	}
}

// alternative is the users of plain tags or of any other part.
type alternative struct {
	plain *union
	rest  []node
}

func (a *alternative) set(c *cursor, dst *block.Words) error {
	if err := a.plain.set(c, dst); err != nil {
		return err
	}
	return a.orRest(c, dst)
}

func (a *alternative) or(c *cursor, dst *block.Words) error {
	if err := a.plain.or(c, dst); err != nil {
		return err
	}
	return a.orRest(c, dst)
}

func (a *alternative) orRest(c *cursor, dst *block.Words) error {
	for _, part := range a.rest {
		if err := part.or(c, dst); err != nil {
			return err
		}
	}
	return nil
}

func (a *alternative) and(c *cursor, dst *block.Words) error {
	return apart(c, a, func(own *block.Words) { dst.And(own) })
}

// andNot removes part after part: none needs to be held beside dst.
func (a *alternative) andNot(c *cursor, dst *block.Words) error {
	if err := a.plain.andNot(c, dst); err != nil {
		return err
	}
	for _, part := range a.rest {
		if err := part.andNot(c, dst); err != nil {
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

func (a *alternative) explain(*storage.Labels) (string, []node) {
	of := a.rest
	if len(a.plain.tags) > 0 {
		of = append([]node{a.plain}, of...)
	}
	return "any of", of
}
