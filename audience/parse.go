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
	return b.or(tree, 0)
}

// builder turns the parser's tree into an expression: nested operators of the
// same kind become one, and parentheses that mean nothing disappear.
type builder struct {
	source   string
	operands int
}

func (b *builder) at(p lexer.Position) Pos { return posAt(b.source, p.Offset) }

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
	e, err := b.window(rule.Of, depth)
	if err != nil {
		return nil, err
	}
	for range rule.Nots {
		e = &Not{e}
	}
	return e, nil
}

func (b *builder) window(rule *windowRule, depth int) (Expr, error) {
	e, err := b.operand(rule.Of, depth)
	if err != nil || rule.Within == nil {
		return e, err
	}
	days, err := b.days(rule.Within.Days)
	if err != nil {
		return nil, err
	}
	w := &Within{Of: e, Days: days, At: b.at(rule.Within.Pos)}
	if err := w.check(); err != nil {
		return nil, err
	}
	return w, nil
}

// check refuses a window over what has no days of its own.
func (e *Within) check() error {
	if unitable(e.Of) {
		return nil
	}
	return errorAt(e.At, `"within" applies to a label, a prefix, or a parenthesis of labels and prefixes joined by "or"`).
		hint(`write "within" behind each label: (a within 7d and b within 7d)`)
}

func (b *builder) days(rule *daysRule) (int, error) {
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
		return b.or(rule.Group, depth)
	}
	if b.operands++; b.operands > MaxOperands {
		return nil, tooMany(at)
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
		written = rule.Quoted[1 : len(rule.Quoted)-1]
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
