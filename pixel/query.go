package pixel

import "bytes"

// maxSiteKey is the longest key of a site, in bytes.
const maxSiteKey = 64

// query is a parsed query string. Its slices point into text.
type query struct {
	site      []byte
	labels    [][]byte // lower-cased, none empty
	malformed int      // parts that cannot be read
	excess    int      // labels beyond the limit

	text []byte
}

// parse reads s=<site> and l=<label,label...>. A second s is malformed; several
// l add up; other parameters are ignored, since pages add some against caches.
// A part that cannot be read is left out and counted, the others stay.
func (q *query) parse(raw []byte, maxLabels int) {
	q.site, q.labels, q.malformed, q.excess = nil, q.labels[:0], 0, 0
	// Decoding never lengthens, so text does not move while slices point at it.
	if cap(q.text) < len(raw) {
		q.text = make([]byte, 0, len(raw)+256)
	}
	q.text = q.text[:0]
	sited := false
	for len(raw) > 0 {
		var pair []byte
		pair, raw, _ = bytes.Cut(raw, ampersand)
		key, value, _ := bytes.Cut(pair, equals)
		switch string(key) {
		case "s":
			if sited {
				q.malformed++
				continue
			}
			sited = true
			if part, ok, _ := q.decode(value, false); ok {
				q.site = part
			}
		case "l":
			for rest := value; len(rest) > 0; {
				part, ok, n := q.decode(rest, true)
				rest = rest[n:]
				switch {
				case !ok:
					q.malformed++
				case len(part) == 0:
				case len(q.labels) == maxLabels:
					q.excess++
				default:
					q.labels = append(q.labels, part)
				}
			}
		}
	}
}

var ampersand = []byte{'&'}

// decode undoes percent-encoding and lower-cases, up to a comma where list is
// set. It returns the part, whether it can be read, and how much of raw it took.
func (q *query) decode(raw []byte, list bool) (part []byte, ok bool, n int) {
	start, ok := len(q.text), true
	for n < len(raw) {
		c := raw[n]
		n++
		switch {
		case c == '%':
			if n+2 > len(raw) || unhex[raw[n]] < 0 || unhex[raw[n+1]] < 0 {
				ok = false
				continue
			}
			c = byte(unhex[raw[n]]<<4 | unhex[raw[n+1]])
			n += 2
		case c == '+':
			c = ' '
		}
		if list && c == ',' {
			break
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		q.text = append(q.text, c)
	}
	return q.text[start:], ok, n
}

// unhex is the value of a hexadecimal digit, −1 for other characters.
var unhex = func() (t [256]int16) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = int16(c - '0')
		case c >= 'a' && c <= 'f':
			t[c] = int16(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			t[c] = int16(c - 'A' + 10)
		default:
			t[c] = -1
		}
	}
	return t
}()
