package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"sosie/pixel/rules"
	"sosie/storage"
)

// batchRows is how many rows are looked up and sorted together: many, so that
// the ids of a batch are found in few passes over the table, and new users cost
// few leases.
const batchRows = 8 << 10

// batch is a stretch of the file: its good rows, and what became of the others.
type batch struct {
	rows   []row
	users  []string // external ids, each once
	labels []string // names, each once

	lines, malformed, skipped uint64
	errors                    []BadLine
	// end is why no batch follows: io.EOF, or an error.
	end error
}

// row is one tag, by the places of user and label in its batch.
type row struct {
	user int32
	// label is bare for a page view, which is an event without a label.
	label int32
	day   storage.Day
	// extra rows belong to the line of the row before them.
	extra bool
}

const bare = -1

// batcher cuts a file into batches.
type batcher struct {
	request Request
	reader  Reader
	// rules give the labels of a page.
	rules func(*rules.Page) []string
	today storage.Day
	shift storage.Day
	pace  *storage.Pace

	users, labels map[string]int32 // of the batch being filled
	malformed     uint64           // in all
}

// run hands on batches until the end of the file, or of ctx.
func (p *batcher) run(ctx context.Context, out chan<- *batch) error {
	for {
		b := p.next()
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.end != nil {
			return nil
		}
	}
}

func (p *batcher) next() *batch {
	b := &batch{rows: make([]row, 0, batchRows)}
	p.users, p.labels = map[string]int32{}, map[string]int32{}
	var e Event
	for b.end == nil && len(b.rows) < batchRows && b.lines < 4*batchRows {
		p.pace.Step()
		err := p.reader.Next(&e)
		bad := (*BadLine)(nil)
		switch {
		case err == nil && e.Skip:
			b.lines++
			b.skipped++
			continue
		case err == nil:
			if reason := p.add(b, &e); reason == "" {
				b.lines++
				continue
			} else {
				bad = &BadLine{Line: p.reader.Line(), Reason: reason}
			}
		case !errors.As(err, &bad):
			b.end = err
			continue
		}
		b.lines++
		b.malformed++
		if p.malformed++; p.malformed <= keptErrors {
			b.errors = append(b.errors, *bad)
		}
		if p.malformed > p.request.MaxErrors {
			b.end = fmt.Errorf("%w: more than %d, the last of them %w", ErrTooManyBad, p.request.MaxErrors, bad)
		}
	}
	return b
}

// add puts an event into the batch, or returns the reason why it is none.
func (p *batcher) add(b *batch, e *Event) (reason string) {
	switch {
	case len(e.User) == 0:
		return "the user is empty"
	case len(e.User) > storage.MaxExternalID:
		return fmt.Sprintf("the user's id has %d bytes: at most %d", len(e.User), storage.MaxExternalID)
	case !utf8.Valid(e.User) || bytes.ContainsFunc(e.User, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "the user's id holds a control character, or is not UTF-8"
	case e.Day > p.today+1:
		return fmt.Sprintf("its day, %s, lies in the future", e.Day)
	}
	r := row{label: bare, day: e.Day + p.shift}
	if p.request.Format == AccessLog {
		r.user = intern(&b.users, p.users, e.User)
		b.rows = append(b.rows, r)
		for _, name := range p.rules(e.Page) {
			r.label, r.extra = intern(&b.labels, p.labels, []byte(name)), true
			b.rows = append(b.rows, r)
		}
		return ""
	}
	name := lower(e.Label)
	// One label after another is often the same: intern finds it by a look-up,
	// and only a new one is looked at closely.
	if _, known := p.labels[string(name)]; !known {
		switch {
		case len(name) == 0:
			return "the label is empty"
		case !storage.ValidLabelName(string(name)):
			return "the label's name is none: want [a-z0-9][a-z0-9_.:/-]{0,127}"
		case storage.Reserved(string(name)):
			return fmt.Sprintf("label %s is reserved: Sosie writes it itself", name)
		}
	}
	r.user, r.label = intern(&b.users, p.users, e.User), intern(&b.labels, p.labels, name)
	b.rows = append(b.rows, r)
	return ""
}

// intern returns the place of a text in a list that holds each once.
func intern(list *[]string, places map[string]int32, text []byte) int32 {
	if n := len(*list); n > 0 && (*list)[n-1] == string(text) {
		return int32(n - 1) // the rows of one user are often neighbours
	}
	place, known := places[string(text)]
	if !known {
		place = int32(len(*list))
		*list = append(*list, string(text))
		places[(*list)[place]] = place
	}
	return place
}

// lower turns A to Z into small letters, in place.
func lower(name []byte) []byte {
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}
