package rules

import (
	"fmt"
	"strings"
)

// wordElement puts a word or phrase into the automaton, which looks for it in
// what was searched for, in the words of the page, or in both.
func (b *builder) wordElement(m mark, n uint32) error {
	folded := string(fold(nil, []byte(m.text)))
	if len(folded) < len(" a ") || strings.Contains(m.text, "*") {
		return fmt.Errorf("%s %q: want a word or a phrase of whole words, such as tennis or tennis racket", kindNames[m.kind], m.text)
	}
	pattern, known := b.pattern[folded]
	if !known {
		pattern = uint32(len(b.patterns))
		b.pattern[folded] = pattern
		b.patterns, b.asWord, b.asSearch = append(b.patterns, folded), append(b.asWord, none), append(b.asSearch, none)
		if b.bytes += len(folded); b.bytes > maxWords {
			return fmt.Errorf("%s %q: the words of all rules have more than %d bytes", kindNames[m.kind], m.text, maxWords)
		}
	}
	m.text = folded
	if m.kind == byWords {
		b.words = true
		b.asWord[pattern], _ = b.mark(m, n)
	} else {
		b.search = true
		b.asSearch[pattern], _ = b.mark(m, n)
	}
	return nil
}
