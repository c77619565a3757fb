package audience

import "slices"

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
	switch e := e.(type) {
	case *Call:
		fn(e)
	case *Not:
		eachCall(e.Of, fn)
	case *AsOf:
		eachCall(e.Of, fn)
	case *And:
		for _, part := range e.Parts {
			eachCall(part, fn)
		}
	case *Or:
		for _, part := range e.Parts {
			eachCall(part, fn)
		}
	}
}
