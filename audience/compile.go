package audience

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"sosie/storage"
	"sosie/storage/block"
)

// reader is what the evaluator needs of a view.
type reader interface {
	Stamp() storage.Stamp
	Labels() *storage.Labels
	Chunks() int
	OrAny(dst *block.Words, chunk int, l storage.Label) error
	OrDays(dst *block.Words, chunk int, l storage.Label, from, to storage.Day) error
}

// Compile binds an expression to a view. The set is the formula alone, without
// masks. A label that was never declared is an *Error that names the nearest;
// a part that has an answer but looks like a mistake gives a warning.
func Compile(v *storage.View, e Expr) (Set, []Warning, error) {
	f, warnings, err := compile(v, e)
	if err != nil {
		return nil, nil, err
	}
	return f, warnings, nil
}

func compile(v reader, e Expr) (*formula, []Warning, error) {
	b := binder{labels: v.Labels(), day: v.Stamp().Day}
	root, err := b.bind(e)
	if err != nil {
		return nil, nil, err
	}
	f := &formula{view: v, root: root}
	f.cursors.New = func() any { return &cursor{view: v} }
	return f, b.warnings, nil
}

// formula is a compiled expression.
type formula struct {
	view    reader
	root    node
	cursors sync.Pool
}

// Chunk evaluates the expression over one chunk.
func (f *formula) Chunk(dst *block.Words, chunk int) error {
	if chunk >= f.view.Chunks() {
		dst.Clear()
		return nil
	}
	c := f.cursors.Get().(*cursor)
	defer f.cursors.Put(c)
	c.start(chunk)
	return f.root.set(c, dst)
}

// Chunks is that of the view.
func (f *formula) Chunks() int { return f.view.Chunks() }

// Stamp is that of the view.
func (f *formula) Stamp() storage.Stamp { return f.view.Stamp() }

// binder turns an expression into a plan: names become label numbers, windows
// become days, and what can be known without reading a bitmap is simplified.
type binder struct {
	labels   *storage.Labels
	day      storage.Day
	warnings []Warning
}

func (b *binder) bind(e Expr) (node, error) {
	switch e := e.(type) {
	case *Label, *Prefix:
		return b.tags(e, 0)
	case *Within:
		if err := e.check(); err != nil {
			return nil, err
		}
		return b.tags(e.Of, e.Days)
	case *Or:
		parts := make([]node, 0, len(e.Parts))
		for _, part := range e.Parts {
			n, err := b.bind(part)
			if err != nil {
				return nil, err
			}
			parts = append(parts, n)
		}
		return unite(parts), nil
	case *And:
		return b.both(e.Parts)
	case *Not:
		return b.both([]Expr{e})
	}
	return nil, fmt.Errorf("compile expression: unknown kind %T", e)
}

// tags binds a label, a prefix or an Or of those, any time in force (0) or
// within a number of days.
func (b *binder) tags(e Expr, within int) (*union, error) {
	u := &union{}
	switch e := e.(type) {
	case *Label:
		l, ok := b.labels.Lookup(e.Name)
		if !ok {
			return nil, b.undeclared(e)
		}
		u.tags = []tag{b.tag(l, within)}
	case *Prefix:
		for _, l := range b.labels.Prefix(e.Prefix) {
			u.tags = append(u.tags, b.tag(l, within))
		}
		if len(u.tags) == 0 {
			w := Warning{Message: fmt.Sprintf("no label starts with %s: nobody is in this part", e.Prefix)}
			if e.At != (Pos{}) {
				w.Line, w.Column = e.At.Line(), e.At.Column()
			}
			b.warnings = append(b.warnings, w)
		}
	case *Or:
		for _, part := range e.Parts {
			inner, err := b.tags(part, within)
			if err != nil {
				return nil, err
			}
			u.tags = append(u.tags, inner.tags...)
		}
	}
	u.tidy()
	return u, nil
}

func (b *binder) tag(l storage.Label, within int) tag {
	if within == 0 || within >= b.labels.Spec(l).Retention {
		return tag{label: l} // the window holds every day in force
	}
	return tag{label: l, days: within, from: b.day - storage.Day(within) + 1, to: b.day}
}

func (b *binder) undeclared(e *Label) error {
	err := errorAt(e.At, "label %q is not declared", e.Name)
	if name, ok := nearest(e.Name, b.labels.Names()); ok {
		return err.hint(fmt.Sprintf("did you mean %s?", name))
	}
	return err.hint("no declared label looks like it")
}

// both binds the parts of an And. Nots are gathered: x and not a and not b is
// x without the union of a and b, one difference.
func (b *binder) both(parts []Expr) (node, error) {
	n := &intersection{}
	var without []node
	for _, e := range parts {
		negative := false
		for {
			not, ok := e.(*Not)
			if !ok {
				break
			}
			e, negative = not.Of, !negative
		}
		part, err := b.bind(e)
		if err != nil {
			return nil, err
		}
		inner, nested := part.(*intersection)
		switch {
		case negative:
			without = append(without, part)
		case nested:
			n.parts = append(n.parts, inner.parts...)
			if inner.without != nil {
				without = append(without, inner.without)
			}
		default:
			n.parts = append(n.parts, part)
		}
	}
	return n.simplify(without), nil
}

func (n *intersection) simplify(without []node) node {
	// Every part lies within the population: naming it narrows nothing.
	n.parts = slices.DeleteFunc(n.parts, func(part node) bool { return isEverybody(part) })
	if slices.ContainsFunc(n.parts, isNobody) {
		return &union{}
	}
	slices.SortStableFunc(n.parts, func(x, y node) int { return cmp.Compare(x.cost(), y.cost()) })
	switch w := unite(without); {
	case isEverybody(w):
		return &union{}
	case !isNobody(w):
		n.without = w
	case len(n.parts) == 0:
		return everybody()
	case len(n.parts) == 1:
		return n.parts[0]
	}
	return n
}

// unite joins parts into one: nested unions become one, and all plain tags are
// read by one union, without scratch.
func unite(parts []node) node {
	plain := &union{}
	var rest []node
	for _, part := range parts {
		switch part := part.(type) {
		case *union:
			plain.tags = append(plain.tags, part.tags...)
		case *alternative:
			plain.tags = append(plain.tags, part.plain.tags...)
			rest = append(rest, part.rest...)
		default:
			rest = append(rest, part)
		}
	}
	plain.tidy()
	if len(rest) == 0 || isEverybody(plain) {
		return plain
	}
	if len(plain.tags) == 0 && len(rest) == 1 {
		return rest[0]
	}
	return &alternative{plain: plain, rest: rest}
}

func everybody() node { return &union{tags: []tag{{label: storage.Seen}}} }

// isEverybody reports whether the part is the whole population: the label
// "seen" at any time.
func isEverybody(n node) bool {
	u, ok := n.(*union)
	return ok && len(u.tags) == 1 && u.tags[0] == tag{label: storage.Seen}
}

func isNobody(n node) bool {
	u, ok := n.(*union)
	return ok && len(u.tags) == 0
}
