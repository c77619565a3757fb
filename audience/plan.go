package audience

import (
	"fmt"
	"iter"

	"sosie/storage"
	"sosie/storage/block"
)

// node is a part of a plan. Nodes are immutable and shared by all workers; what
// changes is in the cursor.
type node interface {
	// set overwrites dst with the node's users of the cursor's chunk, or adds
	// them, keeps only them, or removes them.
	set(c *cursor, dst *block.Words) error
	or(c *cursor, dst *block.Words) error
	and(c *cursor, dst *block.Words) error
	andNot(c *cursor, dst *block.Words) error
	// cost estimates the work for one chunk, in bitmaps read.
	cost() int
	// explain says what the node does, and of what it is made.
	explain(labels *storage.Labels) (does string, of []node)
}

// chunkReader is what the evaluator needs of one chunk; *storage.ChunkReader is
// one, and documents the methods.
type chunkReader interface {
	Open(chunk int)
	Any(parts []block.Part, l storage.Label) ([]block.Part, error)
	Days(parts []block.Part, l storage.Label, first, last storage.Day) ([]block.Part, error)
	Held(days []storage.Day, first, last storage.Day) []storage.Day
	Streamed() int
}

// cursor is one worker's place: a chunk, and the scratch to evaluate it with.
type cursor struct {
	labels *storage.Labels
	read   chunkReader
	chunk  int
	parts  []block.Part // of one union at a time
	ends   []int        // of the days in parts
	days   []storage.Day
	bytes  *byteCounter   // of one frequency at a time
	planes []*block.Words // of one frequency at a time
	window window         // of one sequence at a time
	reads  int            // bitmaps read since the cursor was made

	scratch []*block.Words
	used    int

	population block.Words
	populated  bool // whether population holds that of this chunk
}

func (c *cursor) start(chunk int) {
	c.chunk, c.used, c.populated = chunk, 0, false
	c.read.Open(chunk)
}

// take lends scratch of unknown content until give; the last taken is given
// back first. After an error nothing needs to be given back: start forgets it.
func (c *cursor) take() *block.Words {
	if c.used == len(c.scratch) {
		c.scratch = append(c.scratch, new(block.Words))
	}
	c.used++
	return c.scratch[c.used-1]
}

func (c *cursor) give() { c.used-- }

// everybody returns the population of the chunk today, read at most once a
// chunk.
func (c *cursor) everybody() (*block.Words, error) {
	if c.populated {
		return &c.population, nil
	}
	parts, err := c.gather([]tag{{label: storage.Seen}})
	if err != nil {
		return nil, err
	}
	c.population.Unite(parts)
	c.populated = true
	return &c.population, nil
}

// gather returns the bitmaps of tags, until the next call.
func (c *cursor) gather(tags []tag) ([]block.Part, error) {
	parts := c.parts[:0]
	var err error
	for _, t := range tags {
		if t.always() {
			parts, err = c.read.Any(parts, t.label)
		} else {
			parts, err = c.read.Days(parts, t.label, t.from, t.to)
		}
		if err != nil {
			return nil, fmt.Errorf("read label %s: %w", c.labels.Spec(t.label).Name, err)
		}
	}
	c.parts = parts
	c.reads += len(parts)
	return parts, nil
}

// gatherDay returns the bitmaps of tags on one day, until the next call.
func (c *cursor) gatherDay(tags []tag, day storage.Day) ([]block.Part, error) {
	c.parts = c.parts[:0]
	err := c.addDay(tags, day)
	return c.parts, err
}

// gatherDaily gathers the bitmaps of tags on each of some days, for daily.
func (c *cursor) gatherDaily(tags []tag, days []storage.Day) error {
	c.parts, c.ends = c.parts[:0], c.ends[:0]
	for _, day := range days {
		if err := c.addDay(tags, day); err != nil {
			return err
		}
		c.ends = append(c.ends, len(c.parts))
	}
	return nil
}

// daily yields what gatherDaily gathered: the bitmaps of each day that has any.
func (c *cursor) daily() iter.Seq[[]block.Part] {
	return func(yield func([]block.Part) bool) {
		start := 0
		for _, end := range c.ends {
			if start < end && !yield(c.parts[start:end]) {
				return
			}
			start = end
		}
	}
}

// addDay adds the bitmaps of tags on one day to those gathered.
func (c *cursor) addDay(tags []tag, day storage.Day) (err error) {
	before := len(c.parts)
	for _, t := range tags {
		if day < t.from || day > t.to {
			continue
		}
		if c.parts, err = c.read.Days(c.parts, t.label, day, day); err != nil {
			return fmt.Errorf("read label %s: %w", c.labels.Spec(t.label).Name, err)
		}
	}
	c.reads += len(c.parts) - before
	return nil
}

// apart evaluates a node into scratch of its own, for operations it has no
// shorter way to do.
func apart(c *cursor, n node, then func(own *block.Words)) error {
	own := c.take()
	defer c.give()
	if err := n.set(c, own); err != nil {
		return err
	}
	then(own)
	return nil
}
