package pixel

import "bytes"

// maxSiteKey is the longest key of a site, in bytes.
const maxSiteKey = 64

// query is one hit as its parameters say it. Its slices point into text, and into
// raw where they are as sent.
type query struct {
	site   []byte
	labels [][]byte // lower-cased, none empty

	// What rules look at, decoded.
	event, url, referrer, title, canonical, search, words, object, items, value, currency []byte

	// What signatures are over, and the signatures themselves.
	own, vouched, signed, signature []byte

	signal    bool // it carries a signal of consent
	gpc       bool // the tag says that the browser asks for privacy
	malformed int  // parts that cannot be read
	excess    int  // labels beyond the limit

	text []byte
}

// parse reads a query string. Of a parameter that occurs twice the first counts,
// and a second s is malformed; several l add up; other parameters are ignored, since
// pages add some against caches. A part that cannot be read is left out and
// counted, the others stay.
func (q *query) parse(raw []byte, maxLabels int) {
	text := q.text[:0]
	*q = query{labels: q.labels[:0]}
	// Decoding never lengthens, so text does not move while slices point at it.
	if cap(text) < len(raw) {
		text = make([]byte, 0, len(raw)+256)
	}
	q.text = text
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
			if part, ok, _ := q.decode(value, lowered); ok {
				q.site = part
			}
		case "l":
			q.list(value, maxLabels)
		case "gdpr": // 0 says that the law does not apply
			q.signal = q.signal || string(value) == "1"
		case "gdpr_consent", "gpp", "gpp_sid", "us_privacy":
			q.signal = q.signal || len(value) > 0
		case "gpc":
			q.gpc = q.gpc || string(value) == "1"
		default:
			if field, how := q.field(key); field != nil && *field == nil {
				q.take(field, value, how)
			}
		}
	}
}

// field returns where the value of a parameter belongs.
func (q *query) field(key []byte) (*[]byte, reading) {
	if len(key) != 1 {
		return nil, asSent
	}
	switch key[0] {
	case 'e':
		return &q.event, lowered
	case 'u':
		return &q.url, asSent
	case 'r':
		return &q.referrer, asSent
	case 't':
		return &q.title, asSent
	case 'c':
		return &q.canonical, asSent
	case 'q':
		return &q.search, asSent
	case 'w':
		return &q.words, asSent
	case 'i':
		return &q.object, asSent
	case 'n':
		return &q.items, asSent
	case 'v':
		return &q.value, asSent
	case 'y':
		return &q.currency, lowered
	case 'k':
		return &q.own, asSent
	case 'h':
		return &q.vouched, lowered
	case 'x':
		return &q.signed, asSent
	case 'g':
		return &q.signature, lowered
	}
	return nil, asSent
}

func (q *query) take(field *[]byte, value []byte, how reading) {
	part, ok, _ := q.decode(value, how)
	if !ok {
		q.malformed++
		return
	}
	*field = part
}

func (q *query) list(value []byte, maxLabels int) {
	for len(value) > 0 {
		part, ok, n := q.decode(value, listed)
		value = value[n:]
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

var ampersand = []byte{'&'}

// reading is what becomes of a value.
type reading int

const (
	asSent  reading = iota // but for percent-encoding
	lowered                // ASCII letters
	listed                 // lowered, and a comma ends it
)

// decode undoes percent-encoding. It returns the part, whether it can be read, and
// how much of raw it took.
func (q *query) decode(raw []byte, how reading) (part []byte, ok bool, n int) {
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
		if how == listed && c == ',' {
			break
		}
		if how != asSent && c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		q.text = append(q.text, c)
	}
	return q.text[start:len(q.text):len(q.text)], ok, n
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
