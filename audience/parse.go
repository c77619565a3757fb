package audience

import (
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"sosie/storage"
)

// MaxWindow is the longest window of "within", in days.
const MaxWindow = storage.MaxRetention

// Parse reads an expression. Whatever is wrong with it is an *Error that
// points at the word; no text makes Parse panic or take long.
func Parse(src string) (Expr, error) {
	found, err := scan(src)
	if err != nil {
		return nil, err
	}
	end := len(found) - 1
	peeking, err := lexer.Upgrade(&tokens{left: found[:end], end: found[end]})
	if err != nil {
		return nil, refusal(src, found, err)
	}
	tree, err := grammar.ParseFromLexer(peeking)
	if err != nil {
		return nil, refusal(src, found, err)
	}
	b := builder{source: src}
	return b.asOf(tree, 0)
}

// builder turns the parser's tree into an expression: nested operators of the
// same kind become one, and parentheses that mean nothing disappear.
type builder struct {
	source   string
	operands int
}

func (b *builder) at(p lexer.Position) Pos { return posAt(b.source, p.Offset) }

func (b *builder) asOf(rule *asOfRule, depth int) (Expr, error) {
	e, err := b.or(rule.Of, depth)
	if err != nil || rule.AsOf == nil {
		return e, err
	}
	day, err := b.day(rule.AsOf)
	if err != nil {
		return nil, err
	}
	return &AsOf{Of: e, Day: day, At: b.at(rule.AsOf.Pos)}, nil
}

func (b *builder) or(rule *orRule, depth int) (Expr, error) {
	var parts []Expr
	for _, r := range rule.Parts {
		part, err := b.and(r, depth)
		if err != nil {
			return nil, err
		}
		if inner, ok := part.(*Or); ok {
			parts = append(parts, inner.Parts...)
		} else {
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return &Or{parts}, nil
}

func (b *builder) and(rule *andRule, depth int) (Expr, error) {
	var parts []Expr
	for _, r := range rule.Parts {
		part, err := b.not(r, depth)
		if err != nil {
			return nil, err
		}
		if inner, ok := part.(*And); ok {
			parts = append(parts, inner.Parts...)
		} else {
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return &And{parts}, nil
}

func (b *builder) not(rule *notRule, depth int) (Expr, error) {
	depth += len(rule.Nots)
	if depth > MaxDepth {
		return nil, tooDeep(b.at(rule.Pos))
	}
	e, err := b.then(rule.Of, depth)
	if err != nil {
		return nil, err
	}
	for range rule.Nots {
		e = &Not{e}
	}
	return e, nil
}

func (b *builder) then(rule *thenRule, depth int) (Expr, error) {
	first, err := b.window(rule.First, depth)
	if err != nil || len(rule.Then) == 0 {
		return first, err
	}
	tail := rule.Then[0]
	if len(rule.Then) > 1 {
		return nil, (&Then{First: &Then{}, At: b.at(rule.Then[1].Pos)}).check()
	}
	if rule.First.Within != nil || rule.First.Frequency != nil {
		return nil, errorAt(b.at(tail.Pos), `a window before "then" stands in parentheses`).hint("(" + first.String() + ") then …")
	}
	e := &Then{First: first, At: b.at(tail.Pos)}
	if e.Second, err = b.operand(tail.Second, depth); err != nil {
		return nil, err
	}
	if tail.Gap != nil {
		if e.Gap, err = b.days(tail.Gap); err != nil {
			return nil, err
		}
	}
	return e, e.check()
}

func (b *builder) window(rule *windowRule, depth int) (Expr, error) {
	e, err := b.operand(rule.Of, depth)
	if err != nil || rule.Within == nil && rule.Frequency == nil {
		return e, err
	}
	days := 0
	if rule.Within != nil {
		if days, err = b.days(rule.Within.Days); err != nil {
			return nil, err
		}
	}
	if f := rule.Frequency; f != nil {
		// A number too large for an int comes back as the largest int.
		atLeast, _ := strconv.Atoi(strings.TrimSuffix(f.Times, "+"))
		frequency := &Frequency{Of: e, AtLeast: atLeast, Days: days, At: b.at(f.Pos)}
		return frequency, frequency.check()
	}
	w := &Within{Of: e, Days: days, At: b.at(rule.Within.Pos)}
	return w, w.check()
}

func (b *builder) between(rule *betweenRule, at Pos, depth int) (Expr, error) {
	e := &Between{At: at}
	var err error
	if e.Of, err = b.or(rule.Of, depth); err != nil {
		return nil, err
	}
	if e.From, err = b.day(rule.From); err != nil {
		return nil, err
	}
	if e.To, err = b.day(rule.To); err != nil {
		return nil, err
	}
	return e, e.check()
}

func (b *builder) call(rule *callRule, at Pos) (Expr, error) {
	name := strings.ToLower(unquoted(rule.Name.Text))
	if !ValidSegmentName(name) {
		return nil, errorAt(b.at(rule.Name.Pos), "%q is not a name", name).
			hint("a name has 1 to 64 characters, starts with a letter or a digit and goes on with a-z, 0-9, _ and -")
	}
	return &Call{Function: strings.ToLower(rule.Function), Name: name, At: at}, nil
}

// ValidSegmentName reports whether name matches [a-z0-9][a-z0-9_-]{0,63}.
func ValidSegmentName(name string) bool {
	return len(name) <= 64 && storage.ValidLabelName(name) && !strings.ContainsAny(name, ".:/")
}

// day reads a date.
func (b *builder) day(rule *wordAt) (storage.Day, error) {
	day, err := storage.ParseDay(rule.Text)
	if err != nil {
		return 0, noDate(b.at(rule.Pos), rule.Text)
	}
	return day, nil
}

func noDate(at Pos, word string) *Error {
	return errorAt(at, "unexpected %q", word).expecting("a day such as 2026-10-01")
}

func unquoted(text string) string {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') {
		return text[1 : n-1]
	}
	return text
}

func (b *builder) days(rule *wordAt) (int, error) {
	at := b.at(rule.Pos)
	if !looksLikeDays(rule.Text) {
		return 0, noDays(at, rule.Text)
	}
	// A number too large for an int comes back as the largest int.
	if n, _ := strconv.Atoi(rule.Text[:len(rule.Text)-1]); n >= 1 && n <= MaxWindow {
		return n, nil
	}
	return 0, errorAt(at, "a window of %s: from 1d to %dd", strings.ToLower(rule.Text), MaxWindow)
}

// looksLikeDays reports whether a word is digits and a d.
func looksLikeDays(word string) bool {
	digits, ok := strings.CutSuffix(strings.ToLower(word), "d")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

func noDays(at Pos, word string) *Error {
	return errorAt(at, "unexpected %q", word).expecting("a number of days such as 7d")
}

func (b *builder) operand(rule *operandRule, depth int) (Expr, error) {
	at := b.at(rule.Pos)
	if rule.Group != nil {
		if depth++; depth > MaxDepth {
			return nil, tooDeep(at)
		}
		return b.asOf(rule.Group, depth)
	}
	if rule.Between != nil {
		if depth++; depth > MaxDepth {
			return nil, tooDeep(at)
		}
		return b.between(rule.Between, at, depth)
	}
	if b.operands++; b.operands > MaxOperands {
		return nil, tooMany(at)
	}
	if rule.Call != nil {
		return b.call(rule.Call, at)
	}
	if rule.Prefix != "" {
		prefix := strings.ToLower(strings.TrimSuffix(rule.Prefix, "*"))
		if !storage.ValidLabelName(prefix) {
			return nil, badName(at, rule.Prefix)
		}
		return &Prefix{Prefix: prefix, At: at}, nil
	}
	written := rule.Word
	if rule.Quoted != "" {
		written = unquoted(rule.Quoted)
	}
	name := strings.ToLower(written)
	if !storage.ValidLabelName(name) {
		e := badName(at, written)
		if strings.HasSuffix(name, "/*") {
			e.Hint = "a prefix stands without quotes"
		}
		return nil, e
	}
	return &Label{Name: name, At: at}, nil
}

func badName(at Pos, name string) *Error {
	if len(name) > 128 {
		return errorAt(at, "this label has %d characters: at most 128", len(name))
	}
	return errorAt(at, "%q is not a label", name).
		hint("a label starts with a letter or a digit and goes on with a-z, 0-9 and _ . : / -")
}
