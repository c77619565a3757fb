package audience

import (
	"fmt"
	"slices"

	"sosie/storage"
	"sosie/storage/block"
)

// sequence is the users with one of the tags of first on a day a, and one of
// second on a later day b; where gap is set, with b at most gap days after a.
type sequence struct {
	first, second []tag // with days
	from, to      storage.Day
	gap           int // 0: any later day
}

func newSequence(first, second []tag, gap int) *sequence {
	s := &sequence{first: distinct(first), second: distinct(second), gap: gap}
	s.from, s.to = span(slices.Concat(first, second))
	return s
}

// set walks the days upwards. What is known of the days before is one set, the
// users with a day of first near enough, so each day costs the same however
// many came before it.
func (s *sequence) set(c *cursor, dst *block.Words) error {
	dst.Clear()
	used := c.used
	defer func() { c.used = used }()
	before := &c.window
	before.reset(s.gap)
	c.days = c.read.Held(c.days[:0], s.from, s.to)
	for _, day := range c.days {
		parts, err := c.gatherDay(s.second, day)
		if err != nil {
			return err
		}
		if len(parts) > 0 && before.slide(day) {
			earlier := before.users(c)
			for _, part := range parts { // of several labels of one day, each may complete it
				part.OrCommon(dst, earlier)
			}
		}
		if parts, err = c.gatherDay(s.first, day); err != nil {
			return err
		}
		if len(parts) > 0 {
			before.push(c, day, parts)
		}
	}
	return nil
}

// window is the union of the sets of the last gap days before one, as the days
// go up. With a gap it is a queue made of two stacks: older days, each with the
// union of itself and all newer older ones, and newer days with one union of
// all of them. Each day is united twice at most.
type window struct {
	gap   int
	newer []dayWords
	older []dayWords // the oldest day last
	all   *block.Words
	begun bool         // whether all has users
	both  *block.Words // of older and newer
	free  []*block.Words
}

type dayWords struct {
	day   storage.Day
	words *block.Words
}

// reset empties the window for another chunk; its sets were scratch.
func (w *window) reset(gap int) {
	*w = window{gap: gap, newer: w.newer[:0], older: w.older[:0], free: w.free[:0]}
}

func (w *window) words(c *cursor) *block.Words {
	if n := len(w.free); n > 0 {
		last := w.free[n-1]
		w.free = w.free[:n-1]
		return last
	}
	return c.take()
}

// push adds the users of a day.
func (w *window) push(c *cursor, day storage.Day, parts []block.Part) {
	if w.all == nil {
		w.all = w.words(c)
	}
	if w.gap == 0 {
		if !w.begun {
			w.all.Clear()
		}
		w.begun = true
		for _, part := range parts {
			part.Or(w.all)
		}
		return
	}
	own := w.words(c)
	own.Unite(parts)
	if w.newer = append(w.newer, dayWords{day, own}); !w.begun {
		*w.all = *own
	} else {
		w.all.Or(own)
	}
	w.begun = true
}

// slide forgets the days more than gap before a day, and reports whether any
// are left.
func (w *window) slide(day storage.Day) bool {
	if w.gap == 0 {
		return w.begun
	}
	oldest := day - storage.Day(w.gap)
	for {
		if n := len(w.older); n > 0 {
			if w.older[n-1].day >= oldest {
				return true
			}
			w.free = append(w.free, w.older[n-1].words)
			w.older = w.older[:n-1]
			continue
		}
		if len(w.newer) == 0 {
			return false
		}
		// The newest goes to the bottom; each older one takes over the union of
		// those below it.
		for i := len(w.newer) - 1; i >= 0; i-- {
			d := w.newer[i]
			if n := len(w.older); n > 0 {
				d.words.Or(w.older[n-1].words)
			}
			w.older = append(w.older, d)
		}
		w.newer, w.begun = w.newer[:0], false
	}
}

// users returns the union of the window, which is not to be changed.
func (w *window) users(c *cursor) *block.Words {
	n := len(w.older)
	switch {
	case n == 0:
		return w.all
	case !w.begun:
		return w.older[n-1].words
	}
	if w.both == nil {
		w.both = w.words(c)
	}
	old := w.older[n-1].words
	for i := range w.both {
		w.both[i] = old[i] | w.all[i]
	}
	return w.both
}

func (s *sequence) or(c *cursor, dst *block.Words) error {
	return apart(c, s, func(own *block.Words) { dst.Or(own) })
}

func (s *sequence) and(c *cursor, dst *block.Words) error {
	return apart(c, s, func(own *block.Words) { dst.And(own) })
}

func (s *sequence) andNot(c *cursor, dst *block.Words) error {
	return apart(c, s, func(own *block.Words) { dst.AndNot(own) })
}

func (s *sequence) cost() int { return dailyCost(s.first) + dailyCost(s.second) }

func (s *sequence) explain(labels *storage.Labels) (string, []node) {
	gap := "on any later day"
	if s.gap > 0 {
		gap = fmt.Sprintf("within %dd after", s.gap)
	}
	return fmt.Sprintf("%s, then %s: %s", named(s.first, labels), gap, named(s.second, labels)), nil
}
