package rules

import "bytes"

// decode appends text to room with percent-encoding undone, and + as a space
// where plus is set. What is not encoded properly stays as it is.
func decode(room, text []byte, plus bool) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '+' && plus:
			c = ' '
		case c == '%' && i+2 < len(text):
			if high, low := unhex(text[i+1]), unhex(text[i+2]); high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		room = append(room, c)
	}
	return room
}

// encoded says that decode has something to undo.
func encoded(text []byte, plus bool) bool {
	return bytes.IndexByte(text, '%') >= 0 || plus && bytes.IndexByte(text, '+') >= 0
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
