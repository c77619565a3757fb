package pixel

import "bytes"

// maxLines is how many hits one beacon may bring; more are left out and counted.
const maxLines = 16

// lines are the hits of one request, each in the form of a query: the one of an
// image, or those of a beacon's body. All are of one browser at one moment, and so
// become one record of the labels of all.
type lines struct{ rest []byte }

func (h *Hit) lines() lines {
	if h.Post {
		return lines{h.Posted}
	}
	if len(h.Query) == 0 {
		return lines{emptyLine} // an image without parameters is a hit of no site
	}
	return lines{h.Query}
}

var emptyLine = []byte{'&'}

// next returns the next line that is not empty.
func (l *lines) next() (line []byte, ok bool) {
	for len(l.rest) > 0 {
		line, l.rest, _ = bytes.Cut(l.rest, newline)
		if line = bytes.TrimSuffix(line, carriageReturn); len(line) > 0 {
			return line, true
		}
	}
	return nil, false
}

// count is how many are left.
func (l lines) count() int {
	n := 0
	for _, ok := l.next(); ok; _, ok = l.next() {
		n++
	}
	return n
}

var newline, carriageReturn = []byte{'\n'}, []byte{'\r'}
