package audience

import (
	"fmt"
	"sync"

	"sosie/storage"
	"sosie/storage/block"
)

// reader is what the evaluator needs of a view.
type reader interface {
	Stamp() storage.Stamp
	Labels() *storage.Labels
	Chunks() int
	reader() chunkReader
}

// viewReader is a view as a reader.
type viewReader struct{ *storage.View }

func (v viewReader) reader() chunkReader { return v.View.Reader() }

// Compile binds an expression to a view. The set is the formula alone, without
// masks. The resolver gives segment() and lookalike() their meaning; nil knows
// neither. A label that was never declared is an *Error that names the nearest;
// a part that has an answer but looks like a mistake gives a warning.
func Compile(v *storage.View, e Expr, r Resolver) (Set, []Warning, error) {
	f, warnings, err := compile(viewReader{v}, e, r)
	if err != nil {
		return nil, nil, err
	}
	return f, warnings, nil
}

func compile(v reader, e Expr, r Resolver) (*formula, []Warning, error) {
	today := v.Stamp().Day
	b := binder{labels: v.Labels(), resolver: r, today: today, day: today}
	root, err := b.bind(e)
	if err != nil {
		return nil, nil, err
	}
	return newFormula(v, root), b.warnings, nil
}

// formula is a compiled expression.
type formula struct {
	view    reader
	root    node
	cursors sync.Pool
}

func newFormula(v reader, root node) *formula {
	f := &formula{view: v, root: root}
	f.cursors.New = func() any { return &cursor{labels: v.Labels(), read: v.reader()} }
	return f
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

// card returns the number of users of a chunk where it is known without listing
// them: of one bitmap and few users more, and of an intersection.
func (f *formula) card(chunk int) (n int, ok bool, err error) {
	if chunk >= f.view.Chunks() {
		return 0, false, nil
	}
	c := f.cursors.Get().(*cursor)
	defer f.cursors.Put(c)
	switch root := f.root.(type) {
	case *union:
		c.start(chunk)
		parts, err := c.gather(root.tags)
		if err != nil {
			return 0, false, err
		}
		n, ok = block.Together(parts, nil)
		return n, ok, nil
	case *intersection:
		c.start(chunk)
		n, err = root.count(c)
		return n, err == nil, err
	}
	return 0, false, nil
}

// Chunks is that of the view.
func (f *formula) Chunks() int { return f.view.Chunks() }

// Stamp is that of the view.
func (f *formula) Stamp() storage.Stamp { return f.view.Stamp() }

// everybody is the population of today.
func everybody() node { return &union{tags: []tag{{label: storage.Seen}}} }

// isEverybody reports whether the part is the whole population of today.
func isEverybody(n node) bool {
	u, ok := n.(*union)
	return ok && len(u.tags) == 1 && u.tags[0] == tag{label: storage.Seen}
}

func isNobody(n node) bool {
	u, ok := n.(*union)
	return ok && len(u.tags) == 0
}

func (b *binder) warn(at Pos, format string, args ...any) {
	w := Warning{Message: fmt.Sprintf(format, args...)}
	if at != (Pos{}) {
		w.Line, w.Column = at.Line(), at.Column()
	}
	if n := len(b.path); n > 0 { // the place is one in its text, which is not at hand
		w = Warning{Message: fmt.Sprintf("in segment %s: %s", b.path[n-1], w.Message)}
	}
	if !b.warned[w] {
		if b.warned == nil {
			b.warned = map[Warning]bool{}
		}
		b.warned[w] = true
		b.warnings = append(b.warnings, w)
	}
}
