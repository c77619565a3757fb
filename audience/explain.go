package audience

import (
	"context"
	"fmt"
	"time"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// Step is one part of a plan, and what it cost over all chunks.
type Step struct {
	// Does says what the step does, for a person.
	Does string `json:"does"`
	// Bitmaps is how many bitmaps were read, those of its parts included. A label
	// on thirty days is up to thirty bitmaps a chunk.
	Bitmaps int `json:"bitmaps"`
	// Took is the time on one core, parts included.
	Took time.Duration `json:"took_ns"`
	// Of are the parts, in the order they are evaluated in.
	Of []*Step `json:"of,omitempty"`
}

// Explained is an expression's plan, evaluated once.
type Explained struct {
	// Users is the number of users who may be counted.
	Users uint64 `json:"users"`
	// Chunks is how many chunks of 65,536 users were looked at.
	Chunks int `json:"chunks"`
	// Streamed is how many days of chunks memory did not hold.
	Streamed int `json:"streamed_days"`
	// Plan is what was done.
	Plan *Step `json:"plan"`
}

// Explain evaluates an expression on one core and says what each part of its
// plan read and took. Errors and warnings are those of Compile.
func Explain(ctx context.Context, v *storage.View, e Expr, r Resolver) (Explained, []Warning, error) {
	f, warnings, err := compile(viewReader{v}, e, r)
	if err != nil {
		return Explained{}, nil, err
	}
	root := watch(f.root, v.Labels())
	c := &cursor{labels: v.Labels(), read: f.view.reader()}
	out := Explained{Chunks: v.Chunks(), Plan: root.step}
	var w block.Words
	for chunk := range v.Chunks() {
		if err := ctx.Err(); err != nil {
			return Explained{}, nil, fmt.Errorf("explain: %w", err)
		}
		c.start(chunk)
		if err := root.set(c, &w); err != nil {
			return Explained{}, nil, fmt.Errorf("explain chunk %d: %w", chunk, err)
		}
		permit.Allowed(v, chunk, permit.Count, &w)
		out.Users += uint64(w.Count())
	}
	out.Streamed = c.read.Streamed()
	return out, warnings, nil
}

// watched is a node that keeps account of what it costs.
type watched struct {
	node
	step *Step
}

// watch returns a copy of a plan in which every node keeps account.
func watch(n node, labels *storage.Labels) *watched {
	does, of := n.explain(labels)
	w := &watched{node: n, step: &Step{Does: does}}
	parts := make([]node, 0, len(of))
	for _, part := range of {
		inner := watch(part, labels)
		parts = append(parts, inner)
		w.step.Of = append(w.step.Of, inner.step)
	}
	switch n := n.(type) {
	case *intersection:
		last := len(parts)
		copied := &intersection{}
		if n.without != nil {
			last--
			copied.without = parts[last]
		}
		copied.parts = parts[:last]
		w.node = copied
	case *alternative:
		w.node = &alternative{plain: &union{}, rest: parts}
	}
	return w
}

func (w *watched) account(c *cursor, work func() error) error {
	reads, start := c.reads, time.Now()
	err := work()
	w.step.Bitmaps += c.reads - reads
	w.step.Took += time.Since(start)
	return err
}

func (w *watched) set(c *cursor, dst *block.Words) error {
	return w.account(c, func() error { return w.node.set(c, dst) })
}

func (w *watched) or(c *cursor, dst *block.Words) error {
	return w.account(c, func() error { return w.node.or(c, dst) })
}

func (w *watched) and(c *cursor, dst *block.Words) error {
	return w.account(c, func() error { return w.node.and(c, dst) })
}

func (w *watched) andNot(c *cursor, dst *block.Words) error {
	return w.account(c, func() error { return w.node.andNot(c, dst) })
}
