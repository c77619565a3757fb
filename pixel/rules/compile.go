package rules

import (
	"fmt"
	"strconv"
	"time"
)

// Options are what rules need to know of their site. The zero value is usable.
type Options struct {
	// Zone is where hours and weekdays are told; nil is UTC.
	Zone *time.Location
	// SearchParameters are the parameters of the site's own addresses that hold
	// what a visitor searched for, at most 16; default q, s and query.
	SearchParameters []string
}

// Compile checks rules and makes a set of them. The error is ErrBadRule, and
// reads "rule 3 (name): path "x": want …".
func Compile(o Options, list []Rule) (*Set, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if err := checkSearchParameters(o.SearchParameters); err != nil {
		return nil, badRule{err}
	}
	if len(list) > maxRules {
		return nil, badRule{fmt.Errorf("%d rules: want at most %d", len(list), maxRules)}
	}
	b := newBuilder(o)
	for i := range list {
		if err := b.rule(&list[i]); err != nil {
			return nil, badRule{fmt.Errorf("%s: %w", list[i].Called(i), err)}
		}
	}
	return b.finish(), nil
}

// builder makes a Set.
type builder struct {
	*Set
	known    map[string]uint32 // conditions by their key
	marks    map[mark]uint32
	uses     [][]uint32 // by mark: the conditions it meets
	hung     [][]uint32 // by condition: the rules that hang on it
	patterns []string   // of the automaton
	pattern  map[string]uint32
	bytes    int // of patterns
}

// mark is what a page can show.
type mark struct {
	kind            kind
	parameter, text string
}

func newBuilder(o Options) *builder {
	b := &builder{
		Set: &Set{
			zone: o.Zone, query: map[string]*parameter{}, ownSearch: map[string]bool{}, events: map[string]uint32{},
		},
		known: map[string]uint32{}, marks: map[mark]uint32{}, pattern: map[string]uint32{},
	}
	for _, table := range [][]uint32{b.devices[:], b.hours[:], b.weekdays[:]} {
		for i := range table {
			table[i] = none
		}
	}
	if len(o.SearchParameters) == 0 {
		o.SearchParameters = defaultSearchParameters
	}
	for _, name := range o.SearchParameters {
		b.ownSearch[name] = true
	}
	return b
}

func (b *builder) rule(r *Rule) error {
	if err := r.checkLabels(); err != nil {
		return err
	}
	conditions := r.conditions()
	if len(conditions) == 0 {
		return errNoCondition
	}
	ready := rule{name: r.Name, labels: r.Labels}
	rarest := uint32(0)
	for i := range conditions {
		c, err := b.condition(&conditions[i])
		if err != nil {
			return err
		}
		ready.conditions = append(ready.conditions, c)
		if i == 0 || b.conditions[c].kind < b.conditions[rarest].kind {
			rarest = c
		}
	}
	b.hung[rarest] = append(b.hung[rarest], uint32(len(b.rules)))
	b.rules = append(b.rules, ready)
	return nil
}

// condition returns the number of a condition.
func (b *builder) condition(c *condition) (uint32, error) {
	key := c.key()
	if n, ok := b.known[key]; ok {
		return n, nil
	}
	if len(c.any) == 0 {
		return 0, fmt.Errorf("%s: the list is empty", kindNames[c.kind])
	}
	n := uint32(len(b.conditions))
	b.known[key] = n
	b.conditions, b.hung = append(b.conditions, *c), append(b.hung, nil)
	for _, text := range c.any {
		if len(text) > maxPattern {
			return 0, fmt.Errorf("%s %.20q…: it has %d bytes: at most %d", kindNames[c.kind], text, len(text), maxPattern)
		}
		if err := b.element(c, text, n); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// mark gives what a page can show its number, and has it meet a condition.
func (b *builder) mark(m mark, condition uint32) (number uint32, fresh bool) {
	number, known := b.marks[m]
	if !known {
		number = uint32(len(b.uses))
		b.marks[m] = number
		b.uses = append(b.uses, nil)
	}
	b.uses[number] = append(b.uses[number], condition)
	return number, !known
}

// element checks one element of a condition and puts it where pages are looked
// up.
func (b *builder) element(c *condition, text string, n uint32) error {
	m := mark{c.kind, c.parameter, text}
	switch c.kind {
	case byHost, byReferrer:
		if err := checkHost(text); err != nil {
			return fmt.Errorf("%s: %w", kindNames[c.kind], err)
		}
		if number, fresh := b.mark(m, n); fresh && c.kind == byHost {
			b.hosts.add(text, number)
		} else if fresh {
			b.referrers.add(text, number)
		}
	case byPath:
		if err := checkPath(text); err != nil {
			return err
		}
		// Patterns may be the same though they are written in other ways.
		slot := b.paths.slot(text)
		if *slot == none {
			*slot = uint32(len(b.uses))
			b.uses = append(b.uses, nil)
		}
		b.uses[*slot] = append(b.uses[*slot], n)
	case byQuery:
		return b.queryElement(m, n)
	case bySearch, byWords:
		return b.wordElement(m, n)
	case byEvent:
		if err := checkEvent(text); err != nil {
			return err
		}
		b.events[text], _ = b.mark(m, n)
	case byItem:
		if err := checkItem(text); err != nil {
			return err
		}
		if number, fresh := b.mark(m, n); fresh {
			b.items.add(text, number)
		}
	case byValue:
		t, err := parseThreshold(text)
		if err != nil {
			return err
		}
		var fresh bool
		if t.number, fresh = b.mark(m, n); fresh {
			b.thresholds = append(b.thresholds, t)
		}
	case byDevice:
		d, err := parseDevice(text)
		if err != nil {
			return err
		}
		b.devices[d], _ = b.mark(m, n)
	case byHours, byWeekdays:
		return b.timeElement(m, n)
	}
	return nil
}

func (b *builder) queryElement(m mark, n uint32) error {
	if err := checkParameter(m.parameter); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	p := b.query[m.parameter]
	if p == nil {
		p = &parameter{present: none, values: map[string]uint32{}}
		b.query[m.parameter] = p
	}
	number, _ := b.mark(m, n)
	if m.text == "*" {
		p.present = number
	} else {
		p.values[m.text] = number
	}
	return nil
}

func (b *builder) timeElement(m mark, n uint32) error {
	parse, table := parseHours, b.hours[:]
	if m.kind == byWeekdays {
		parse, table = parseWeekdays, b.weekdays[:]
	}
	set, err := parse(m.text)
	if err != nil {
		return err
	}
	b.timed = true
	for i := range table {
		if set&(1<<i) != 0 {
			table[i], _ = b.mark(mark{kind: m.kind, text: strconv.Itoa(i)}, n)
		}
	}
	return nil
}

func (b *builder) finish() *Set {
	b.meets, b.hang = newLists(b.uses), newLists(b.hung)
	if len(b.patterns) > 0 {
		b.automaton = newAutomaton(b.patterns)
	}
	return b.Set
}
