package audience

import (
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// The limits of an expression. They keep a stranger's text from costing more
// than an error message.
const (
	// MaxSource is the longest text, in bytes.
	MaxSource = 64 << 10
	// MaxDepth is how deep parentheses and nots may nest.
	MaxDepth = 100
	// MaxOperands is the largest number of labels and prefixes.
	MaxOperands = 4096
)

// scan cuts the source into tokens without spaces and refuses what cannot be
// parsed safely: unknown characters, too much nesting, too many operands.
func scan(src string) ([]lexer.Token, error) {
	if len(src) > MaxSource {
		return nil, &Error{
			Message: fmt.Sprintf("the expression has %d bytes: at most %d", len(src), MaxSource),
			Hint:    "use a prefix such as interest/* in place of many labels",
		}
	}
	lex, err := language.LexString("", src)
	if err != nil {
		return nil, fmt.Errorf("scan expression: %w", err)
	}
	var found []lexer.Token
	depth, operands := 0, 0
	for {
		token, err := lex.Next()
		if err != nil {
			return nil, fmt.Errorf("scan expression: %w", err)
		}
		at := posAt(src, token.Pos.Offset)
		if token.Type == wordToken && keywords[strings.ToLower(token.Value)] {
			token.Type = reservedToken
		}
		switch token.Type {
		case lexer.EOF:
			return append(found, token), nil
		case otherToken:
			return nil, strange(at, token.Value)
		case wordToken, prefixToken, quotedToken:
			operands++
		}
		switch token.Value {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth > MaxDepth {
			return nil, tooDeep(at)
		}
		// Days behind "within" are counted too: a bound, not a census.
		if operands > 2*MaxOperands {
			return nil, tooMany(at)
		}
		found = append(found, token)
	}
}

func tooDeep(at Pos) *Error {
	return errorAt(at, "nested too deeply: at most %d levels", MaxDepth).hint("a and (b and c) needs no parentheses")
}

func tooMany(at Pos) *Error {
	return errorAt(at, "too many labels: at most %d", MaxOperands).hint("use a prefix such as interest/* in place of many labels")
}

// strange reports a character that no word of the language contains.
func strange(at Pos, character string) *Error {
	e := errorAt(at, "unexpected character %q", character)
	switch character {
	case "&":
		e.Hint = `write "and"`
	case "|":
		e.Hint = `write "or"`
	case "!":
		e.Hint = `write "not"`
	case "*":
		e.Hint = `a prefix ends in "/*", as in interest/*; everybody is "seen"`
	case `"`, "'":
		e.Message = "this quote is never closed"
		e.Hint = "quotes hold one label and end on the same line"
	default:
		e.Hint = "labels are made of a-z, 0-9 and _ . : / -"
	}
	return e
}
