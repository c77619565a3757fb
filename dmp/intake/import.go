package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"sosie/pixel/rules"
	"sosie/storage"
	"sosie/storage/block"
)

// House is what an import needs of the rooms around it.
type House struct {
	Store *storage.Store
	// Arrivals are those of the store; nil where nothing else writes ids.
	Arrivals *Arrivals
	// Dir holds a file that must be read twice and cannot, and Reserve is the room
	// in bytes that it leaves free on the device.
	Dir     string
	Reserve int64
	// Clock tells the time.
	Clock func() time.Time
	// Robot tells robots by their agent.
	Robot func(agent []byte) bool
	// Clients returns what names the clients of an access log with a checksum.
	Clients func(checksum string) (func(address []byte) []byte, error)
	// Rules returns the labels of a site's pages, and what an operator should
	// know of its rules. A site that does not exist is an error.
	Rules func(site string) (labels func(*rules.Page) []string, warnings []string, err error)

	turnIDs int // replaces turnIDs in tests
}

// documentKind is the kind of the documents that remember imports: the receipt,
// by the time the import began.
const documentKind = "import"

// Import reads a file to its end and makes its rows durable. It calls progress,
// unless nil, with what is durable so far; the receipt it returns is that of
// the end, also beside an error. When it returns without one, all rows show in
// views. Only one Import may run on a store at a time.
//
// A file that must be read twice (Request.ShiftToNow, access logs) is read from
// where it stands when it is an io.ReadSeeker, and copied aside otherwise.
func (h *House) Import(ctx context.Context, q Request, file io.Reader, progress func(Receipt)) (Receipt, error) {
	q, err := q.normal()
	if err != nil {
		return Receipt{}, err
	}
	begun := h.Clock()
	today := storage.DayOf(begun)
	r := &Receipt{
		File: q.File, Format: q.Format, IDSpace: q.IDSpace, Source: q.Source, Site: q.Site, Consent: q.Consent,
		Origin: q.Origin, Provider: q.Provider, Begun: begun.UTC(),
		Errors: []BadLine{}, UndeclaredLabels: map[string]uint64{}, Warnings: []string{},
	}
	in := &batcher{request: q, today: today, pace: h.Store.Pace()}
	if q.Site != "" {
		if in.rules, r.Warnings, err = h.Rules(q.Site); err != nil {
			return *r, err
		}
	} else {
		in.rules = func(*rules.Page) []string { return nil }
	}
	var name func([]byte) []byte
	if q.twice() {
		var end func()
		if file, end, err = h.readTwice(ctx, q, file, in, r); err != nil {
			return *r, err
		}
		defer end()
	}
	if q.Format == AccessLog {
		if name, err = h.Clients(r.Checksum); err != nil {
			return *r, err
		}
	}
	from, err := unpack(ctx, file)
	if err != nil {
		return *r, err
	}
	defer from.close()
	reader, err := newReader(q.Format, newLines(from), h.Robot)
	if err != nil {
		return *r, err
	}
	if in.reader = reader; name != nil {
		in.reader = renamed{reader, name}
	}
	w, err := h.writer(q, today, r, from.packed)
	if err != nil {
		return *r, err
	}
	document, err := h.begin(r)
	if err != nil {
		return *r, err
	}
	*r, err = h.pass(ctx, in, w, progress)
	err = errors.Join(err, w.ids.end())
	if err == nil {
		r.Checksum = from.checksum()
		err = h.settle(w)
	}
	r.Ended = h.Clock().UTC()
	if err != nil {
		r.Failed = err.Error()
	}
	return *r, errors.Join(err, h.record(document, r))
}

// readTwice reads the file a first time, for what must be known before its
// first row is written, and returns it ready for the second. end lets go of it.
func (h *House) readTwice(ctx context.Context, q Request, file io.Reader, in *batcher, r *Receipt) (_ io.Reader, end func(), err error) {
	end = func() {}
	again, ok := file.(io.ReadSeeker)
	var start int64
	if ok {
		start, err = again.Seek(0, io.SeekCurrent)
		ok = err == nil // a pipe is a file that cannot
	}
	if !ok {
		spooled, err := h.spool(ctx, file)
		if err != nil {
			return nil, nil, err
		}
		again, start, end = spooled, 0, func() { spooled.Close() }
	}
	s, err := h.survey(ctx, q, again, in.today)
	if err == nil {
		_, err = again.Seek(start, io.SeekStart)
	}
	r.Checksum = s.checksum
	if err == nil && q.ShiftToNow {
		in.shift, err = h.shift(s, in.today)
		r.ShiftDays = int(in.shift)
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	return again, end, nil
}

// writer prepares the store for the rows: their id space, their source, and
// what earlier imports said.
func (h *House) writer(q Request, today storage.Day, r *Receipt, packed *counter) (*writer, error) {
	w := &writer{
		store: h.Store, request: q, today: today, pace: h.Store.Pace(), receipt: r, packed: packed, touched: map[int]*block.Words{},
		names: dictionary{store: h.Store, request: q, today: today},
	}
	space, err := h.Store.Space(q.IDSpace)
	if err != nil {
		return nil, err
	}
	arrivals := h.Arrivals
	if arrivals == nil {
		arrivals = NewArrivals(h.Store)
	}
	w.ids = resolver{arrivals: arrivals, by: arrivals.writer(), space: space, pace: w.pace, most: cmp.Or(h.turnIDs, turnIDs)}
	if w.source, err = h.Store.DeclareSource(q.Source); err != nil {
		return nil, err
	}
	if q.Site != "" {
		if w.site, err = h.Store.DeclareSite(q.Site); err != nil {
			return nil, err
		}
	}
	if err := h.Store.Sync(); err != nil {
		return nil, err
	}
	w.consent = newConsent(h.Store, w.source, q.Consent == None)
	return w, nil
}

// pass moves the file through the three goroutines and returns what became
// durable.
func (h *House) pass(ctx context.Context, in *batcher, w *writer, progress func(Receipt)) (Receipt, error) {
	batches, parcels := make(chan *batch, 2), make(chan parcel, 2)
	free := make(chan *storage.Records, cap(parcels)+2)
	for range cap(free) {
		free <- new(storage.Records)
	}
	w.out, w.free, w.records = parcels, free, <-free
	out := &appender{store: h.Store, so: w.receipt.snapshot(), progress: progress, free: free}
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return in.run(ctx, batches) })
	tasks.Go(func() error { return w.run(ctx, batches) })
	tasks.Go(func() error { return out.run(ctx, parcels) })
	err := tasks.Wait()
	return out.so, errors.Join(err, out.syncing.Wait())
}

// sealRows is how many rows of past days are sealed at once. Sealing writes
// whole blocks, so fewer wait for midnight in memory.
const sealRows = 20_000

// settle ends an import, whose rows show in views: many rows of past days
// rest on disk instead of waiting for midnight.
func (h *House) settle(w *writer) error {
	if w.consent.err != nil {
		return w.consent.err
	}
	if w.past >= sealRows {
		return h.Store.Seal()
	}
	return nil
}

// begin records what the operator declared before the first row is written, and
// returns the name of the document.
func (h *House) begin(r *Receipt) (document string, err error) {
	document = r.Begun.Format(time.RFC3339Nano) + " " + r.Source
	for _, err = h.Store.Documents().Get(documentKind, document); err == nil; { // a clock set back
		document += "'"
		_, err = h.Store.Documents().Get(documentKind, document)
	}
	return document, h.record(document, r)
}

// record keeps the receipt under the name of its document.
func (h *House) record(document string, r *Receipt) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = h.Store.Documents().Edit(func(e *storage.Edit) error { return e.Put(documentKind, document, text) })
	}
	if err != nil {
		return fmt.Errorf("record import: %w", err)
	}
	return nil
}

// renamed reads events under other names of their users.
type renamed struct {
	Reader
	name func([]byte) []byte
}

// Next reads one event.
func (r renamed) Next(e *Event) error {
	err := r.Reader.Next(e)
	if err == nil {
		e.User = r.name(e.User)
	}
	return err
}
