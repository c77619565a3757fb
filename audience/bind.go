package audience

import (
	"cmp"
	"fmt"
	"slices"

	"sosie/storage"
)

// The limits of a plan, that of saved segments included, which can name each other
// many times over.
const (
	// maxBound is the most operands.
	maxBound = 4 * MaxOperands
	// maxTags is the most labels that they mean, prefixes taken apart.
	maxTags = 200_000
)

// binder turns an expression into a plan: names become label numbers, windows
// become days, and what can be known without reading a bitmap is simplified.
type binder struct {
	labels   *storage.Labels
	resolver Resolver
	warnings []Warning
	warned   map[Warning]bool
	today    storage.Day
	// day is the one that labels are in force on: today, or inside an "as of" an
	// earlier one; past says which.
	day   storage.Day
	past  bool
	dated bool // inside an "as of", of whatever day
	// path is the saved segments around the place being bound.
	path    []string
	defined map[string]Definition // what the segments met so far stand for
	bound   int
	tags    int
}

func (b *binder) bind(e Expr) (node, error) {
	switch e := e.(type) {
	case *Label, *Prefix:
		return b.union(e, b.day, 0)
	case *Within:
		if err := e.check(); err != nil {
			return nil, err
		}
		return b.union(e.Of, b.day, e.Days)
	case *Between:
		return b.between(e)
	case *Frequency:
		return b.frequency(e)
	case *Then:
		return b.then(e)
	case *Or:
		parts := make([]node, 0, len(e.Parts))
		for _, part := range e.Parts {
			n, err := b.bind(part)
			if err != nil {
				return nil, err
			}
			parts = append(parts, n)
		}
		return unite(parts), nil
	case *And:
		return b.both(e.Parts)
	case *Not:
		return b.both([]Expr{e})
	case *AsOf:
		return b.asOf(e)
	case *Call:
		return b.call(e)
	}
	return nil, fmt.Errorf("compile expression: unknown kind %T", e)
}

func (b *binder) union(e Expr, to storage.Day, within int) (*union, error) {
	u := &union{}
	err := b.eachLabel(e, func(l storage.Label) { u.tags = append(u.tags, b.tag(l, to, within)) })
	u.tidy()
	return u, err
}

// eachLabel calls fn for every label that a label, a prefix or an Or of those
// means.
func (b *binder) eachLabel(e Expr, fn func(l storage.Label)) error {
	if err := b.operand(); err != nil {
		return err
	}
	switch e := e.(type) {
	case *Label:
		l, ok := b.labels.Lookup(e.Name)
		switch {
		case ok:
			b.warnGone(e.At, e.Name, l)
			fn(l)
		case b.labels.Deleted(e.Name):
			b.warn(e.At, "label %s was deleted: nobody is in this part", e.Name)
		default:
			return b.undeclared(e)
		}
	case *Prefix:
		found := b.labels.Prefix(e.Prefix)
		if len(found) == 0 {
			b.warn(e.At, "no label starts with %s: nobody is in this part", e.Prefix)
		}
		if b.tags += len(found); b.tags > maxTags {
			return &Error{Message: fmt.Sprintf("with the segments it names, the expression means more than %d labels", maxTags),
				Hint: "name each prefix once"}
		}
		b.warnGone(e.At, e.Prefix+"*", found...)
		for _, l := range found {
			fn(l)
		}
	case *Or:
		for _, part := range e.Parts {
			if err := b.eachLabel(part, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// operand counts one more operand of the plan.
func (b *binder) operand() error {
	if b.bound++; b.bound > maxBound {
		return &Error{Message: fmt.Sprintf("with the segments it names, the expression has more than %d labels", maxBound),
			Hint: "use a prefix such as interest/* in place of many labels"}
	}
	return nil
}

// warnGone warns where nothing is held any more of the days that a question
// about the past needs, of one label or of several under a prefix.
func (b *binder) warnGone(at Pos, name string, labels ...storage.Label) {
	if !b.past {
		return
	}
	gone, longest := 0, 0
	for _, l := range labels {
		if retention := b.labels.Spec(l).Retention; b.day <= b.today-storage.Day(retention) {
			gone, longest = gone+1, max(longest, retention)
		}
	}
	switch {
	case gone == 0:
	case len(labels) == 1:
		b.warn(at, "label %s is kept for %d days: of %s and before nothing is held any more", name, longest, b.day)
	default:
		b.warn(at, "%d of %d labels under %s are kept for %d days at most: of %s and before nothing is held any more", gone, len(labels), name, longest, b.day)
	}
}

// tag is a label within a number of days up to one, or on any day in force (0).
// Bitmaps of any time serve where that is meant today.
func (b *binder) tag(l storage.Label, to storage.Day, within int) tag {
	if retention := b.labels.Spec(l).Retention; within == 0 || within >= retention {
		if !b.past {
			return tag{label: l}
		}
		within = retention
	}
	return tag{label: l, dated: true, from: to - storage.Day(within) + 1, to: to}
}

// days is a tag that says its days.
func (b *binder) days(l storage.Label, within int) tag {
	t := b.tag(l, b.day, within)
	if t.always() {
		t = tag{label: l, dated: true, from: b.day - storage.Day(b.labels.Spec(l).Retention) + 1, to: b.day}
	}
	return t
}

func (b *binder) undeclared(e *Label) error {
	err := errorAt(e.At, "label %q is not declared", e.Name)
	if name, ok := Nearest(e.Name, b.labels.Names()); ok {
		return err.hint(fmt.Sprintf("did you mean %s?", name))
	}
	return err.hint("no declared label looks like it")
}

// between binds a window with two ends.
func (b *binder) between(e *Between) (node, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	tags, err := b.betweenTags(e)
	u := &union{tags: tags}
	u.tidy()
	return u, err
}

// betweenTags clips the days to those in force on the day of the question.
func (b *binder) betweenTags(e *Between) (tags []tag, err error) {
	err = b.eachLabel(e.Of, func(l storage.Label) {
		t := b.days(l, 0)
		if t.from, t.to = max(t.from, e.From), min(t.to, e.To); t.from <= t.to {
			tags = append(tags, t)
		}
	})
	if e.From > b.day {
		b.warn(e.At, "%s is still to come on %s: nobody is in this part", e.From, b.day)
	}
	return tags, err
}

func (b *binder) frequency(e *Frequency) (node, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	if e.AtLeast == 1 {
		return b.union(e.Of, b.day, e.Days)
	}
	var tags []tag
	longest := 0
	err := b.eachLabel(e.Of, func(l storage.Label) {
		t := b.days(l, e.Days)
		longest = max(longest, t.days())
		tags = append(tags, t)
	})
	switch {
	case err != nil:
		return nil, err
	case len(tags) == 0:
		return &union{}, nil
	case longest < e.AtLeast:
		b.warn(e.At, "no label is kept for %d days: nobody is in this part", e.AtLeast)
		return &union{}, nil
	}
	return newFrequency(tags, e.AtLeast), nil
}

func (b *binder) then(e *Then) (node, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	first, err := b.side(e.First)
	if err != nil {
		return nil, err
	}
	second, err := b.side(e.Second)
	if err != nil {
		return nil, err
	}
	if len(first) == 0 || len(second) == 0 {
		return &union{}, nil
	}
	return newSequence(first, second, e.Gap), nil
}

// side binds one side of a then: the days that it may fall on.
func (b *binder) side(e Expr) (tags []tag, err error) {
	within := 0
	switch of := e.(type) {
	case *Between:
		return b.betweenTags(of)
	case *Within:
		e, within = of.Of, of.Days
	}
	err = b.eachLabel(e, func(l storage.Label) { tags = append(tags, b.days(l, within)) })
	return tags, err
}

// asOf binds an expression on an earlier day.
func (b *binder) asOf(e *AsOf) (node, error) {
	if e.Day > b.today {
		return nil, errorAt(e.At, `"as of" %s: that day is still to come`, e.Day)
	}
	day, past, dated := b.day, b.past, b.dated
	defer func() { b.day, b.past, b.dated = day, past, dated }()
	b.day, b.past, b.dated = e.Day, e.Day < b.today, true
	return b.bind(e.Of)
}

// both binds the parts of an And. Nots are gathered: x and not a and not b is
// x without the union of a and b, one difference.
func (b *binder) both(parts []Expr) (node, error) {
	n := &intersection{}
	var without []node
	complements := false
	for _, e := range parts {
		negative := false
		for {
			not, ok := e.(*Not)
			if !ok {
				break
			}
			e, negative = not.Of, !negative
		}
		part, err := b.bind(e)
		if err != nil {
			return nil, err
		}
		inner, nested := part.(*intersection)
		switch {
		case negative:
			complements = true
			without = append(without, part)
		case nested:
			n.parts = append(n.parts, inner.parts...)
			if inner.without != nil {
				without = append(without, inner.without)
			}
		default:
			n.parts = append(n.parts, part)
		}
	}
	// In the past the population is another one, and must be named: a part may be
	// of a later day.
	if b.past && complements {
		n.parts = append(n.parts, &union{tags: []tag{b.days(storage.Seen, 0)}})
	}
	return n.simplify(without), nil
}

func (n *intersection) simplify(without []node) node {
	// Every part lies within the population of today: naming it narrows nothing.
	n.parts = slices.DeleteFunc(n.parts, isEverybody)
	if slices.ContainsFunc(n.parts, isNobody) {
		return &union{}
	}
	slices.SortStableFunc(n.parts, func(x, y node) int { return cmp.Compare(x.cost(), y.cost()) })
	switch w := unite(without); {
	case isEverybody(w):
		return &union{}
	case !isNobody(w):
		n.without = w
	case len(n.parts) == 0:
		return everybody()
	case len(n.parts) == 1:
		return n.parts[0]
	}
	return n
}

// unite joins parts into one: nested unions become one, and all plain tags are
// read by one union, without scratch.
func unite(parts []node) node {
	plain := &union{}
	var rest []node
	for _, part := range parts {
		switch part := part.(type) {
		case *union:
			plain.tags = append(plain.tags, part.tags...)
		case *alternative:
			plain.tags = append(plain.tags, part.plain.tags...)
			rest = append(rest, part.rest...)
		default:
			rest = append(rest, part)
		}
	}
	plain.tidy()
	if len(rest) == 0 || isEverybody(plain) {
		return plain
	}
	if len(plain.tags) == 0 && len(rest) == 1 {
		return rest[0]
	}
	return &alternative{plain: plain, rest: rest}
}
