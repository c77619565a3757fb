package rules

import (
	"slices"
	"time"
)

// Set is all the rules of a site, ready for pages. The zero value has none. It
// never changes, and any number of goroutines may use it.
//
// What a page can show, such as a folder of its path or a word, is a mark with a
// number. Marks meet conditions, and conditions that many rules share are one.
// Each rule hangs on its rarest condition, and is looked at when that is met.
type Set struct {
	rules      []rule
	conditions []condition
	meets      lists // by mark: the conditions it meets
	hang       lists // by condition: the rules that hang on it

	hosts, referrers hostIndex
	paths            pathTrie
	query            map[string]*parameter
	ownSearch        map[string]bool
	automaton        *automaton
	asWord, asSearch []uint32 // by pattern of the automaton: its mark, or none
	words, search    bool     // whether a rule asks
	events           map[string]uint32
	items            itemIndex
	thresholds       []threshold
	devices          [Desktop + 1]uint32
	hours            [24]uint32
	weekdays         [7]uint32
	timed            bool // whether a rule asks for the time
	zone             *time.Location
}

type rule struct {
	name       string
	labels     []string
	conditions []uint32 // in the order of the fields
}

// parameter is a parameter of addresses that some rule asks for.
type parameter struct {
	present uint32 // the mark of its being there, or none
	values  map[string]uint32
}

// lists are many short lists of numbers in one.
type lists struct{ begins, all []uint32 }

func newLists(of [][]uint32) lists {
	l := lists{begins: make([]uint32, 1, len(of)+1)}
	for _, list := range of {
		l.all = append(l.all, list...)
		l.begins = append(l.begins, uint32(len(l.all)))
	}
	return l
}

func (l *lists) of(i uint32) []uint32 { return l.all[l.begins[i]:l.begins[i+1]] }

// Labels returns what a rule gives, by its place in the list from 0. The slice
// must not be changed.
func (s *Set) Labels(rule int) []string { return s.rules[rule].labels }

// Len is the number of rules.
func (s *Set) Len() int { return len(s.rules) }

// Granted returns every label that some rule gives, each once, in order of name.
func (s *Set) Granted() []string {
	var all []string
	for i := range s.rules {
		all = append(all, s.rules[i].labels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
