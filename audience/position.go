package audience

import (
	"strings"
	"unicode/utf8"
)

// Pos is a place in the text of an expression. The zero value means "nowhere":
// the expression did not come from text.
type Pos struct {
	source string
	number int // of the byte, from 1, so that zero is nowhere
}

func posAt(source string, offset int) Pos { return Pos{source, offset + 1} }

func (p Pos) offset() int { return max(0, p.number-1) }

// Line is the line of the place, from 1.
func (p Pos) Line() int { return 1 + strings.Count(p.source[:p.offset()], "\n") }

// Column is the place within its line, in characters, from 1.
func (p Pos) Column() int {
	return 1 + utf8.RuneCountInString(p.source[p.lineStart():p.offset()])
}

func (p Pos) lineStart() int { return 1 + strings.LastIndexByte(p.source[:p.offset()], '\n') }

// lineText returns the whole line of the place, without its line ending.
func (p Pos) lineText() string {
	line := p.source[p.lineStart():]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return strings.TrimSuffix(line, "\r")
}
