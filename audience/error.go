package audience

import (
	"fmt"
	"strings"
	"unicode"
)

// Error says what is wrong with an expression, and where. Parse and Compile
// return no other type for a fault of the expression's author.
type Error struct {
	// Line and Column point at the word at fault, from 1, in characters. Both
	// are 0 when the expression did not come from text.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Expected says what could stand there; empty when it is not about syntax.
	Expected string `json:"expected,omitempty"`
	// Hint says how to mend it; may be empty.
	Hint string `json:"hint,omitempty"`
	// Segment is the saved segment at fault, whose text Line and Column are of;
	// empty for the expression itself.
	Segment string `json:"segment,omitempty"`

	at Pos
}

// errorAt returns an error that points at a place.
func errorAt(at Pos, format string, args ...any) *Error {
	e := &Error{Message: fmt.Sprintf(format, args...), at: at}
	if at != (Pos{}) {
		e.Line, e.Column = at.Line(), at.Column()
	}
	return e
}

// FaultAt returns an error about the place of a term, for rules on expressions that
// this package does not know.
func FaultAt(at Pos, message string) *Error { return errorAt(at, "%s", message) }

func (e *Error) expecting(what string) *Error { e.Expected = what; return e }
func (e *Error) hint(text string) *Error      { e.Hint = text; return e }

// Error shows the message, the line of the source with a caret under the word
// at fault, and the hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Segment != "" {
		fmt.Fprintf(&b, "in segment %s, ", e.Segment)
	}
	if e.Line > 1 || strings.Contains(e.at.source, "\n") {
		fmt.Fprintf(&b, "line %d, ", e.Line)
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, "column %d: ", e.Column)
	}
	b.WriteString(e.Message)
	if e.Expected != "" {
		fmt.Fprintf(&b, ": expected %s", e.Expected)
	}
	if e.at.source != "" {
		line, caret := excerpt(e.at.lineText(), e.Column-1)
		fmt.Fprintf(&b, "\n  %s\n  %s^", line, caret)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", e.Hint)
	}
	return b.String()
}

// Characters shown on each side of the caret.
const excerptSide = 40

// excerpt cuts a line around a character and returns the spaces that put a
// caret under it. Control characters are replaced: the text may come from a
// stranger and end on a terminal.
func excerpt(line string, column int) (text, indent string) {
	runes := []rune(line)
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = ' '
			if r != '\t' {
				runes[i] = unicode.ReplacementChar
			}
		}
	}
	column = min(column, len(runes))
	from, to := max(0, column-excerptSide), min(len(runes), column+excerptSide)
	text, indent = string(runes[from:to]), strings.Repeat(" ", column-from)
	if from > 0 {
		text, indent = "…"+text, " "+indent
	}
	if to < len(runes) {
		text += "…"
	}
	return text, indent
}

// Warning is a remark on an expression that has an answer, though perhaps not
// the one its author meant.
type Warning struct {
	// Line and Column are those of Error.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what is odd.
	Message string `json:"message"`
}

// String shows the warning on one line.
func (w Warning) String() string {
	if w.Column == 0 {
		return w.Message
	}
	if w.Line > 1 {
		return fmt.Sprintf("line %d, column %d: %s", w.Line, w.Column, w.Message)
	}
	return fmt.Sprintf("column %d: %s", w.Column, w.Message)
}
