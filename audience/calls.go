package audience

import (
	"fmt"
	"slices"
)

// Calls returns the names that an expression hands to a function, in order,
// each once: the segments it is built on, for instance.
func Calls(e Expr, function string) []string {
	var names []string
	eachCall(e, func(c *Call) {
		if c.Function == function && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	})
	return names
}

// Rename makes every call of function(from) in an expression one of
// function(to).
func Rename(e Expr, function, from, to string) {
	eachCall(e, func(c *Call) {
		if c.Function == function && c.Name == from {
			c.Name = to
		}
	})
}

func eachCall(e Expr, fn func(*Call)) {
	EachTerm(e, func(term Expr) {
		if c, ok := term.(*Call); ok {
			fn(c)
		}
	})
}

// EachTerm calls fn with every label, prefix and call of an expression, in order:
// all that it says of the store. It does not look into what a call stands for.
func EachTerm(e Expr, fn func(term Expr)) {
	var parts []Expr
	switch e := e.(type) {
	case *Label, *Prefix, *Call:
		fn(e)
	case *Within:
		parts = []Expr{e.Of}
	case *Frequency:
		parts = []Expr{e.Of}
	case *Between:
		parts = []Expr{e.Of}
	case *Then:
		parts = []Expr{e.First, e.Second}
	case *Not:
		parts = []Expr{e.Of}
	case *AsOf:
		parts = []Expr{e.Of}
	case *And:
		parts = e.Parts
	case *Or:
		parts = e.Parts
	default:
		panic(fmt.Sprintf("audience: terms of %T", e)) // who asks must not miss one
	}
	for _, part := range parts {
		EachTerm(part, fn)
	}
}
