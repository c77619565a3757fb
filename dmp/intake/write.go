package intake

import (
	"cmp"
	"context"
	"slices"

	"sosie/storage"
	"sosie/storage/block"
)

// writer turns batches into records.
type writer struct {
	store   *storage.Store
	request Request
	today   storage.Day
	names   dictionary
	ids     resolver
	source  storage.Label
	site    storage.Label
	consent *consent
	pace    *storage.Pace

	receipt *Receipt
	packed  *counter
	touched map[int]*block.Words // users the import has met
	past    int                  // stored rows of days before today

	out     chan<- parcel
	free    chan *storage.Records
	records *storage.Records
	tags    []storage.Label
}

// run turns batches into parcels until the last of them.
func (w *writer) run(ctx context.Context, in <-chan *batch) error {
	for {
		select {
		case b := <-in:
			if err := w.write(ctx, b); err != nil || b.end != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *writer) write(ctx context.Context, b *batch) error {
	labels, numbers, err := w.names.resolve(b)
	if err != nil {
		return err
	}
	w.account(b, labels, numbers)
	users, err := w.resolve(b)
	if err != nil {
		return err
	}
	slices.SortFunc(b.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.day, b.day), cmp.Compare(a.label, b.label))
	})
	for rest := b.rows; len(rest) > 0; {
		w.pace.Step()
		n := 1
		for n < len(rest) && rest[n].user == rest[0].user {
			n++
		}
		i := rest[0].user
		w.user(b.users[i], users[i], rest[:n], numbers)
		rest = rest[n:]
		if w.records.Len() >= appendBytes {
			if err := w.send(ctx, parcel{}); err != nil {
				return err
			}
		}
	}
	return w.finish(ctx, b)
}

// resolve finds the users of the batch's rows, and only theirs: a user all of
// whose rows were left out is not made.
func (w *writer) resolve(b *batch) ([]named, error) {
	places := make([]int32, len(b.users))
	var wanted []string
	for i := range b.rows {
		r := &b.rows[i]
		if places[r.user] == 0 {
			wanted = append(wanted, b.users[r.user])
			places[r.user] = int32(len(wanted))
		}
		r.user = places[r.user] - 1
	}
	b.users = wanted
	return w.ids.resolve(wanted)
}

// account decides which rows are stored, counts the others, and keeps only the
// first.
func (w *writer) account(b *batch, labels *storage.Labels, numbers []storage.Label) {
	r := w.receipt
	r.Rows += b.lines
	r.Malformed += b.malformed
	r.Skipped += b.skipped
	r.Errors = append(r.Errors, b.errors...)
	r.LabelsNew = w.names.new
	without := make([]uint64, len(numbers))
	b.rows = slices.DeleteFunc(b.rows, func(t row) bool {
		l := storage.Seen
		if t.label != bare {
			l = numbers[t.label]
		}
		switch {
		case l == undeclared && w.request.DeclaredOnly:
			without[t.label]++
			r.Undeclared++
		case l == undeclared || !labels.InForce(l, t.day, w.today):
			if !t.extra {
				r.Expired++
			}
		default:
			if !t.extra {
				r.Stored++
			}
			if t.day < w.today {
				w.past++
			}
			return false
		}
		return true
	})
	for i, n := range without {
		if n > 0 {
			r.undeclared(b.labels[i], n)
		}
	}
}

// user adds one user's rows, which are sorted by day and label. The id comes
// first, so that it is durable no later than any tag.
func (w *writer) user(id string, n named, rows []row, numbers []storage.Label) {
	n.confirm(w.records, w.ids.space, id, rows[len(rows)-1].day)
	w.ids.met(id, n)
	if w.touch(n.user) {
		if n.fresh {
			w.receipt.UsersNew++
		} else {
			w.receipt.UsersKnown++
		}
		w.consent.declare(w.records, n.user)
	}
	for len(rows) > 0 {
		day := rows[0].day
		w.tags = append(w.tags[:0], w.source)
		if w.site != storage.Seen {
			w.tags = append(w.tags, w.site)
		}
		last := int32(bare)
		for len(rows) > 0 && rows[0].day == day {
			if rows[0].label != last {
				last = rows[0].label
				w.tags = append(w.tags, numbers[last])
			}
			rows = rows[1:]
		}
		w.records.Hit(n.user, day, w.tags...)
	}
}

// touch reports whether the import meets a user for the first time.
func (w *writer) touch(u storage.Ordinal) bool {
	words := w.touched[u.Chunk()]
	if words == nil {
		words = new(block.Words)
		w.touched[u.Chunk()] = words
	}
	if words.Has(u.Low()) {
		return false
	}
	words.Set(u.Low())
	return true
}

// finish ends a batch: what it was is told, and the resolver turns when it is
// time.
func (w *writer) finish(ctx context.Context, b *batch) error {
	w.receipt.Bytes = w.packed.n.Load()
	so := w.receipt.snapshot()
	p := parcel{so: &so, end: b.end}
	if !w.ids.due() {
		return w.send(ctx, p)
	}
	folded := make(chan error, 1)
	p.folded = folded
	if err := w.send(ctx, p); err != nil {
		return err
	}
	return w.ids.turn(ctx, folded)
}

// send hands the records on and takes others to fill.
func (w *writer) send(ctx context.Context, p parcel) error {
	p.records = w.records
	w.ids.sent += p.records.Len()
	select {
	case w.out <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case w.records = <-w.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
