package rules

import (
	"unicode"
	"unicode/utf8"
)

// fold appends a text in the form in which words are compared: letters in lower
// case, each word with one space before it and one behind it, and whatever is no
// letter, digit or mark left out. So a word or phrase in this form is in a text
// exactly where its bytes are. In scripts that set no spaces between words every
// character counts as a word.
func fold(out, text []byte) []byte {
	spaced := true // the last byte is the space of this text
	out = append(out, ' ')
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			i++
			if c = foldASCII[c]; c != ' ' {
				out = append(out, c)
				spaced = false
			} else if !spaced {
				out = append(out, ' ')
				spaced = true
			}
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		r, alone := foldRune(r)
		if (r == ' ' || alone) && !spaced {
			out = append(out, ' ')
			spaced = true
		}
		if r == ' ' {
			continue
		}
		out = utf8.AppendRune(out, r)
		if spaced = alone; alone {
			out = append(out, ' ')
		}
	}
	if !spaced {
		out = append(out, ' ')
	}
	return out
}

// foldASCII is the folded form of a byte below 0x80.
var foldASCII = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			t[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		default:
			t[c] = ' '
		}
	}
	return t
}()

// near is how many characters have their folded form in a table: those of all
// alphabets in common use. The look-up in package unicode takes ten times as long.
const near = 0x2000

var foldNear = func() (t [near]uint16) {
	for r := range t {
		t[r] = uint16(foldSlow(rune(r)))
	}
	return t
}()

// foldRune is the folded form of a character, a space for what no word is made
// of; alone says that it is a word by itself.
func foldRune(r rune) (folded rune, alone bool) {
	if r < near {
		return rune(foldNear[r]), unspaced(r) && foldNear[r] != ' '
	}
	if folded = foldSlow(r); folded == ' ' {
		return folded, false
	}
	return folded, unspaced(r)
}

func foldSlow(r rune) rune {
	if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
		return ' '
	}
	return unicode.ToLower(r)
}

// unspaced says that a script sets no spaces between words: Thai, Lao, Burmese,
// Khmer, Kana and Han.
func unspaced(r rune) bool {
	switch {
	case r < 0x0E00:
		return false
	case r <= 0x0EFF, r >= 0x1000 && r <= 0x109F, r >= 0x1780 && r <= 0x17FF,
		r >= 0x2E80 && r <= 0x312F, r >= 0x31A0 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x3FFFF:
		return true
	}
	return false
}
