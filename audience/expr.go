package audience

import (
	"fmt"
	"strings"

	"sosie/storage"
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
	byAsOf binding = iota
	byOr
	byAnd
	byNot
	byThen
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
	// Frequency is the users with a label, a prefix, or an Or of those, on at
	// least so many distinct days of the last Days, or of all in force (0).
	Frequency struct {
		Of      Expr
		AtLeast int // 1 to MaxDays
		Days    int
		At      Pos // of the word "on"
	}
	// Between narrows a label, a prefix, or an Or of those to the days from one
	// to another, both included.
	Between struct {
		Of       Expr
		From, To storage.Day
		At       Pos // of the word "between"
	}
	// Then is the users with a day a of First and a later day b of Second, at
	// most Gap days later, or any number of days (0). Its sides are labels,
	// prefixes, Ors of those, and any of these within a window.
	Then struct {
		First, Second Expr
		Gap           int
		At            Pos // of the word "then"
	}
	// Not is the population without the users of Of.
	Not struct{ Of Expr }
	// And is the users of every part; two or more parts, none of them an And.
	And struct{ Parts []Expr }
	// Or is the users of any part; two or more parts, none of them an Or.
	Or struct{ Parts []Expr }
	// AsOf is Of as it was on a day, from what is still held of the days up to
	// it. It reaches into segments; an inner one wins.
	AsOf struct {
		Of  Expr
		Day storage.Day
		At  Pos // of the day
	}
	// Call is a function whose meaning a Resolver gives.
	Call struct {
		Function, Name string
		At             Pos
	}
)

func (e *Label) String() string     { return text(e) }
func (e *Prefix) String() string    { return text(e) }
func (e *Within) String() string    { return text(e) }
func (e *Frequency) String() string { return text(e) }
func (e *Between) String() string   { return text(e) }
func (e *Then) String() string      { return text(e) }
func (e *Not) String() string       { return text(e) }
func (e *And) String() string       { return text(e) }
func (e *Or) String() string        { return text(e) }
func (e *AsOf) String() string      { return text(e) }
func (e *Call) String() string      { return text(e) }

func text(e Expr) string {
	var b strings.Builder
	e.write(&b, byAsOf)
	return b.String()
}

func (e *Label) write(b *strings.Builder, _ binding) { b.WriteString(quoted(e.Name)) }

// quoted puts a name that equals a word of the language in quotes.
func quoted(name string) string {
	if keywords[name] {
		return `"` + name + `"`
	}
	return name
}

func (e *Prefix) write(b *strings.Builder, _ binding) { b.WriteString(e.Prefix + "*") }

func (e *Within) write(b *strings.Builder, place binding) {
	group(b, place > byWindow, func() {
		e.Of.write(b, tightest)
		fmt.Fprintf(b, " within %dd", e.Days)
	})
}

func (e *Frequency) write(b *strings.Builder, place binding) {
	group(b, place > byWindow, func() {
		e.Of.write(b, tightest)
		fmt.Fprintf(b, " on %d+ days", e.AtLeast)
		if e.Days > 0 {
			fmt.Fprintf(b, " within %dd", e.Days)
		}
	})
}

func (e *Between) write(b *strings.Builder, _ binding) {
	b.WriteString("between(")
	e.Of.write(b, byOr)
	fmt.Fprintf(b, ", %s, %s)", e.From, e.To)
}

func (e *Then) write(b *strings.Builder, place binding) {
	group(b, place > byThen, func() {
		e.First.write(b, tightest)
		b.WriteString(" then ")
		e.Second.write(b, tightest)
		if e.Gap > 0 {
			fmt.Fprintf(b, " within %dd", e.Gap)
		}
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

func (e *AsOf) write(b *strings.Builder, place binding) {
	group(b, place > byAsOf, func() {
		e.Of.write(b, byOr)
		fmt.Fprintf(b, " as of %s", e.Day)
	})
}

func (e *Call) write(b *strings.Builder, _ binding) {
	fmt.Fprintf(b, "%s(%s)", e.Function, quoted(e.Name))
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
