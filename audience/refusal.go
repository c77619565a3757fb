package audience

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// place is where in the language a token was met that cannot stand there.
type place struct {
	token                        lexer.Token
	before, beforeThat, earliest lexer.Token // the tokens before it, the nearest first
	// open is what is not closed yet, the innermost last: "(" or "between" or the
	// name of a function.
	open []string
	// commas are those of the innermost between.
	commas int
}

// refusal turns the parser's error into one that speaks of the language. The
// parser says where; what could stand there follows from the tokens before.
func refusal(src string, found []lexer.Token, err error) error {
	var refused participle.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("parse expression: %w", err)
	}
	var p place
	for _, token := range found {
		p.earliest, p.beforeThat, p.before, p.token = p.beforeThat, p.before, p.token, token
		if token.Pos.Offset >= refused.Position().Offset {
			break
		}
		p.enter()
	}
	e := errorAt(posAt(src, p.token.Pos.Offset), "unexpected %q", p.token.Value)
	if p.token.Type == lexer.EOF {
		e.Message = "the expression ends too early"
		if len(found) == 1 {
			e.Message = "the expression is empty"
		}
	}
	return p.explain(src, e)
}

// enter notes what the token opens, closes or parts.
func (p *place) enter() {
	switch {
	case is(p.token, "("):
		what := "("
		if is(p.before, "between") || is(p.before, FuncSegment) || is(p.before, FuncLookalike) {
			what = strings.ToLower(p.before.Value)
		}
		p.open = append(p.open, what)
		p.commas = 0
	case is(p.token, ")") && len(p.open) > 0:
		p.open = p.open[:len(p.open)-1]
	case is(p.token, ","):
		p.commas++
	}
}

// inside reports whether the innermost open bracket is that of a function.
func (p *place) inside(what string) bool {
	return len(p.open) > 0 && p.open[len(p.open)-1] == what
}

const anOperand = `a label, a prefix such as interest/*, "not", "between", "segment" or "("`

// explain says what could stand at the place.
func (p *place) explain(src string, e *Error) *Error {
	switch {
	case is(p.before, "within"):
		return e.expecting("a number of days such as 7d")
	case is(p.beforeThat, "within") && !looksLikeDays(p.before.Value):
		return noDays(posAt(src, p.before.Pos.Offset), p.before.Value)
	case is(p.before, "on"):
		return e.expecting("a number of days such as 3+").hint("interest/tennis on 3+ days within 30d")
	case p.before.Type == timesToken:
		return e.expecting(`"days"`).hint("interest/tennis on 3+ days within 30d")
	case is(p.before, "as"):
		return e.expecting(`"of" and a day`).hint("as of 2026-10-01")
	case is(p.before, "of"):
		return e.expecting("a day such as 2026-10-01")
	case is(p.before, "between"), is(p.before, FuncSegment), is(p.before, FuncLookalike):
		e.Expected = `"("`
		e.Hint = fmt.Sprintf("a label that equals a word of the language stands in quotes: %q", p.before.Value)
		return e
	case p.inside(FuncSegment), p.inside(FuncLookalike):
		if is(p.before, "(") {
			return e.expecting("a name")
		}
		return e.expecting(`")"`)
	case p.inside("between") && p.commas > 0:
		return p.betweenDays(src, e)
	case p.before == (lexer.Token{}), isKeyword(p.before) && !is(p.before, "days"), is(p.before, "("), is(p.before, ","):
		e.Expected = anOperand
		if isKeyword(p.token) && !is(p.token, "and") && !is(p.token, "or") {
			e.Hint = fmt.Sprintf("a label that equals a word of the language stands in quotes: %q", p.token.Value)
		}
		return e
	}
	return p.afterOperand(e)
}

const betweenHelp = "between(interest/tennis, 2026-10-01, 2026-10-31)"

// betweenDays explains what is wrong behind the first comma of a between.
func (p *place) betweenDays(src string, e *Error) *Error {
	e.Hint = betweenHelp
	switch {
	case is(p.before, ","):
		return e.expecting("a day such as 2026-10-01")
	case p.commas == 1:
		return e.expecting(`","`)
	}
	return e.expecting(`")"`)
}

// afterOperand explains what is wrong behind something complete.
func (p *place) afterOperand(e *Error) *Error {
	after := `"and", "or", "as of" or the end`
	switch {
	case p.inside("between"):
		e.Hint = betweenHelp
		return e.expecting(`"or" or ","`)
	case len(p.open) > 0:
		after = `"and", "or", "as of" or ")"`
	}
	windowed := is(p.beforeThat, "within")
	switch {
	case is(p.beforeThat, "of") && is(p.earliest, "as"):
		after = "the end"
		if len(p.open) > 0 {
			after = `")"`
		}
		e.Hint = `"as of" stands at the end of an expression or of a parenthesis, and covers all to its left`
	case windowed && is(p.token, "on"):
		e.Hint = `"on" stands before "within": interest/tennis on 3+ days within 30d`
	case is(p.before, "days"):
		after = `"within", ` + after
	case !windowed:
		after = `"within", "on", "then", ` + after
	}
	e.Expected = after
	switch {
	case e.Hint != "":
	case is(p.token, ")") && len(p.open) == 0:
		e.Hint = `this ")" has no "(" before it`
	case is(p.token, ","):
		e.Hint = `join two labels with "and" or "or"; a comma stands in between(label, day, day)`
	case p.token.Type != lexer.EOF && !isKeyword(p.token):
		e.Hint = `join two labels with "and" or "or"`
	}
	return e
}
