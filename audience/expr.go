package audience

import (
	"fmt"
	"strings"
)

// Expr is an expression of the segment language. Its String is the canonical
// text: Parse gives an equal expression back.
type Expr interface {
	String() string
	// write appends the canonical text, in parentheses when the expression
	// binds more loosely than the place it stands in.
	write(b *strings.Builder, place binding)
}

// binding is how tightly an operator holds its operands.
type binding int

const (
	loosest binding = iota
	byOr
	byAnd
	byNot
	byWindow
	tightest
)

// The kinds of expression.
type (
	// Label is the users with a day of the label in force.
	Label struct {
		Name string
		At   Pos
	}
	// Prefix is the users of any label whose name starts with Prefix, which
	// ends in a slash.
	Prefix struct {
		Prefix string
		At     Pos
	}
	// Within narrows a label, a prefix, or an Or of those to the last Days
	// days, today included; their days are united first.
	Within struct {
		Of   Expr
		Days int
		At   Pos // of the word "within"
	}
	// Not is the population without the users of Of.
	Not struct{ Of Expr }
	// And is the users of every part; two or more parts, none of them an And.
	And struct{ Parts []Expr }
	// Or is the users of any part; two or more parts, none of them an Or.
	Or struct{ Parts []Expr }
)

func (e *Label) String() string  { return text(e) }
func (e *Prefix) String() string { return text(e) }
func (e *Within) String() string { return text(e) }
func (e *Not) String() string    { return text(e) }
func (e *And) String() string    { return text(e) }
func (e *Or) String() string     { return text(e) }

func text(e Expr) string {
	var b strings.Builder
	e.write(&b, loosest)
	return b.String()
}

func (e *Label) write(b *strings.Builder, _ binding) {
	if keywords[e.Name] {
		fmt.Fprintf(b, "%q", e.Name)
		return
	}
	b.WriteString(e.Name)
}

func (e *Prefix) write(b *strings.Builder, _ binding) { b.WriteString(e.Prefix + "*") }

func (e *Within) write(b *strings.Builder, place binding) {
	group(b, place > byWindow, func() {
		e.Of.write(b, tightest)
		fmt.Fprintf(b, " within %dd", e.Days)
	})
}

func (e *Not) write(b *strings.Builder, place binding) {
	group(b, place > byNot, func() {
		b.WriteString("not ")
		e.Of.write(b, byNot)
	})
}

func (e *And) write(b *strings.Builder, place binding) {
	group(b, place > byAnd, func() { writeParts(b, e.Parts, " and ", byNot) })
}

func (e *Or) write(b *strings.Builder, place binding) {
	group(b, place > byOr, func() { writeParts(b, e.Parts, " or ", byAnd) })
}

func group(b *strings.Builder, parentheses bool, inside func()) {
	if parentheses {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	inside()
}

func writeParts(b *strings.Builder, parts []Expr, word string, place binding) {
	for i, part := range parts {
		if i > 0 {
			b.WriteString(word)
		}
		part.write(b, place)
	}
}

// unitable reports whether the days of e can be united before a window is
// applied: a label, a prefix, or an Or of those.
func unitable(e Expr) bool {
	switch e := e.(type) {
	case *Label, *Prefix:
		return true
	case *Or:
		for _, part := range e.Parts {
			if !unitable(part) {
				return false
			}
		}
		return true
	}
	return false
}
