package rules

import (
	"bytes"
	"math/bits"
)

// Scratch is the room that Match works in. The zero value is ready; use one again
// to save allocations, for any Set, by one goroutine at a time.
type Scratch struct {
	marks      bitset
	conditions bitset
	fired      bitset
	met        []uint32 // the conditions in the bit set, in the order they were met
	out        []int

	nodes, following []uint32 // of the trie of paths
	decoded, folded  []byte
	host             [maxHost]byte
}

// bitset is a set of numbers.
type bitset []uint64

// reset empties the set and makes room for n numbers.
func (b *bitset) reset(n int) {
	words := (n + 63) / 64
	if cap(*b) < words {
		*b = make(bitset, words)
	}
	*b = (*b)[:words]
	clear(*b)
}

func (b bitset) has(i uint32) bool { return b[i/64]&(1<<(i%64)) != 0 }

// add reports whether the number is new.
func (b bitset) add(i uint32) bool {
	was := b[i/64]
	b[i/64] |= 1 << (i % 64)
	return was != b[i/64]
}

// decode undoes percent-encoding. The text is valid until decode is called again.
func (w *Scratch) decode(text []byte, plus bool) []byte {
	if !encoded(text, plus) {
		return text
	}
	w.decoded = decode(w.decoded[:0], text, plus)
	return w.decoded
}

// Match returns the rules that fire, by their places in the list from 0,
// ascending. The slice is valid until the Scratch is used again.
func (s *Set) Match(p *Page, w *Scratch) []int {
	w.out = w.out[:0]
	if len(s.rules) == 0 {
		return w.out
	}
	s.look(p, w)
	w.fired.reset(len(s.rules))
	for _, c := range w.met {
		for _, r := range s.hang.of(c) {
			if s.unmet(r, w) == none {
				w.fired.add(r)
			}
		}
	}
	for i, word := range w.fired {
		for ; word != 0; word &= word - 1 {
			w.out = append(w.out, i*64+bits.TrailingZeros64(word))
		}
	}
	return w.out
}

// unmet returns the first condition of a rule that is not met, or none.
func (s *Set) unmet(r uint32, w *Scratch) uint32 {
	for _, c := range s.rules[r].conditions {
		if !w.conditions.has(c) {
			return c
		}
	}
	return none
}

// look goes through a page and notes the conditions that it meets.
func (s *Set) look(p *Page, w *Scratch) {
	w.marks.reset(len(s.meets.begins) - 1)
	w.conditions.reset(len(s.conditions))
	w.met = w.met[:0]
	meet := func(mark uint32) {
		if mark == none || !w.marks.add(mark) {
			return
		}
		for _, c := range s.meets.of(mark) {
			if w.conditions.add(c) {
				w.met = append(w.met, c)
			}
		}
	}
	if !s.hosts.empty() {
		if name, ok := foldHost(w.host[:0], p.Host); ok {
			s.hosts.each(name, meet)
		}
	}
	s.paths.each(cut(p.Path), w, meet)
	if s.words || s.search {
		s.read(p, w, meet)
	}
	s.parameters(p, w, meet)
	s.referrer(p, w, meet)
	s.event(p, meet)
	meet(s.devices[p.Device&Desktop])
	if s.timed {
		at := p.Time.In(s.zone)
		meet(s.hours[at.Hour()])
		meet(s.weekdays[at.Weekday()])
	}
}

func cut(text []byte) []byte { return text[:min(len(text), maxText)] }

// read looks for words in the texts of a page.
func (s *Set) read(p *Page, w *Scratch, meet func(uint32)) {
	if s.words {
		for _, text := range [...][]byte{p.Title, w.decode(cut(p.Canonical), false), p.Meta} {
			s.scan(text, s.asWord, w, meet)
		}
	}
	if s.search {
		s.scan(p.Search, s.asSearch, w, meet)
	}
}

// scan looks for words in a text; as gives the mark of each.
func (s *Set) scan(text []byte, as []uint32, w *Scratch, meet func(uint32)) {
	if len(text) == 0 {
		return
	}
	w.folded = fold(w.folded[:0], cut(text))
	s.automaton.scan(w.folded, func(pattern uint32) { meet(as[pattern]) })
}

// parameters goes through the query of a page.
func (s *Set) parameters(p *Page, w *Scratch, meet func(uint32)) {
	if len(s.query) == 0 && !s.search {
		return
	}
	rest := cut(p.Query)
	for n := 0; len(rest) > 0 && n < maxParameters; n++ {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, ampersand)
		key, value, _ := bytes.Cut(pair, equals)
		key = w.decode(key, true)
		asked, own := s.query[string(key)], s.search && s.ownSearch[string(key)]
		if asked == nil && !own {
			continue
		}
		value = w.decode(value, true)
		if asked != nil {
			meet(asked.present)
			if number, ok := asked.values[string(value)]; ok {
				meet(number)
			}
		}
		if own {
			s.scan(value, s.asSearch, w, meet)
		}
	}
}

var ampersand, equals = []byte{'&'}, []byte{'='}

// referrer looks at where the visitor came from.
func (s *Set) referrer(p *Page, w *Scratch, meet func(uint32)) {
	if len(p.Referrer) == 0 || s.referrers.empty() && !s.search {
		return
	}
	host, _, query := SplitURL(cut(p.Referrer))
	name, ok := foldHost(w.host[:0], host)
	if !ok {
		return
	}
	s.referrers.each(name, meet)
	if !s.search || len(query) == 0 {
		return
	}
	parameters := engineParameters(name)
	for n := 0; len(parameters) > 0 && len(query) > 0 && n < maxParameters; n++ {
		var pair []byte
		pair, query, _ = bytes.Cut(query, ampersand)
		key, value, _ := bytes.Cut(pair, equals)
		for _, parameter := range parameters {
			if string(key) == parameter {
				s.scan(w.decode(value, true), s.asSearch, w, meet)
			}
		}
	}
}

// event looks at what a hit says of an event.
func (s *Set) event(p *Page, meet func(uint32)) {
	if number, ok := s.events[string(p.Event)]; ok {
		meet(number)
	}
	if s.items.exact != nil {
		s.items.each(p.Object, meet)
		rest := cut(p.Items)
		for n := 0; len(rest) > 0 && n < maxItems; n++ {
			var id []byte
			id, rest, _ = bytes.Cut(rest, comma)
			s.items.each(id, meet)
		}
	}
	if len(s.thresholds) == 0 || len(p.Value) == 0 {
		return
	}
	micros, ok := parseDecimal(p.Value)
	if !ok {
		return
	}
	for i := range s.thresholds {
		t := &s.thresholds[i]
		if micros >= t.micros && (t.currency == "" || len(p.Currency) == 3 && equalUpper(p.Currency, t.currency)) {
			meet(t.number)
		}
	}
}

var comma = []byte{','}

// equalUpper compares with a text in upper case.
func equalUpper(text []byte, upper string) bool {
	for i, c := range text {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
