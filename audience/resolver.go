package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sosie/storage"
	"sosie/storage/block"
)

// The functions of the language whose meaning comes from above.
const (
	// FuncSegment names a saved segment: segment(NAME).
	FuncSegment = "segment"
	// FuncLookalike names an audience that a model made: lookalike(NAME).
	FuncLookalike = "lookalike"
)

// Resolver gives the functions of the language their meaning, so that this
// package knows neither where segments are kept nor what a model is.
type Resolver interface {
	// Resolve returns what function(name) stands for; ok is false where there is
	// nothing of that name.
	Resolve(function, name string) (d Definition, ok bool, err error)
	// Names returns the names a function knows, for errors that say the nearest.
	Names(function string) []string
}

// Definition is what a call stands for: one of the two.
type Definition struct {
	// Expr is a formula. It is bound where it is called, so an "as of" around the
	// call reaches into it.
	Expr Expr
	// Set is users chosen earlier, true of their own Stamp, whatever the view.
	Set Set
}

// call binds a function.
func (b *binder) call(e *Call) (node, error) {
	if err := b.operand(); err != nil {
		return nil, err
	}
	d, err := b.define(e)
	if err != nil {
		return nil, err
	}
	if d.Set != nil {
		return b.fixed(e, d.Set)
	}
	if from := slices.Index(b.path, e.Name); from >= 0 {
		return nil, errorAt(e.At, "segment %s contains itself: %s", e.Name, strings.Join(append(b.path[from:len(b.path):len(b.path)], e.Name), " → "))
	}
	if len(b.path) == MaxDepth {
		return nil, errorAt(e.At, "segments are built on each other %d deep: at most %d", len(b.path)+1, MaxDepth)
	}
	b.path = append(b.path, e.Name)
	n, err := b.bind(d.Expr)
	b.path = b.path[:len(b.path)-1]
	if own := (*Error)(nil); errors.As(err, &own) && own.Segment == "" {
		own.Segment = e.Name
	}
	return n, err
}

// define asks once what a function and a name stand for.
func (b *binder) define(e *Call) (Definition, error) {
	name := e.String()
	if d, ok := b.defined[name]; ok {
		return d, nil
	}
	if b.resolver == nil {
		return Definition{}, errorAt(e.At, "%s() is not known here", e.Function)
	}
	d, ok, err := b.resolver.Resolve(e.Function, e.Name)
	if err != nil {
		return d, fmt.Errorf("resolve %s: %w", name, err)
	}
	if !ok {
		return d, b.unknown(e)
	}
	if b.defined == nil {
		b.defined = map[string]Definition{}
	}
	b.defined[name] = d
	return d, nil
}

func (b *binder) unknown(e *Call) error {
	err := errorAt(e.At, "there is no %s %q", e.Function, e.Name)
	if name, ok := Nearest(e.Name, b.resolver.Names(e.Function)); ok {
		return err.hint(fmt.Sprintf("did you mean %s(%s)?", e.Function, name))
	}
	return err
}

// fixed binds users chosen earlier.
func (b *binder) fixed(e *Call, s Set) (node, error) {
	if b.dated {
		return nil, errorAt(e.At, `"as of" cannot reach into %s(%s), which is true of %s alone`, e.Function, e.Name, s.Stamp().Day)
	}
	b.warn(e.At, "%s(%s) is true of %s", e.Function, e.Name, s.Stamp().Day)
	return &fixedSet{name: e.String(), users: s}, nil
}

// fixedSet is the users of a set who are still in the population.
type fixedSet struct {
	name  string
	users Set
}

func (f *fixedSet) set(c *cursor, dst *block.Words) error {
	if err := f.users.Chunk(dst, c.chunk); err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	everybody, err := c.everybody()
	if err == nil {
		dst.And(everybody)
	}
	return err
}

func (f *fixedSet) or(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.Or(own) })
}

func (f *fixedSet) and(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.And(own) })
}

func (f *fixedSet) andNot(c *cursor, dst *block.Words) error {
	return apart(c, f, func(own *block.Words) { dst.AndNot(own) })
}

func (f *fixedSet) cost() int { return 2 }

func (f *fixedSet) explain(*storage.Labels) (string, []node) { return f.name, nil }
