package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"sosie/storage"
)

// appendBytes is about how large one append becomes: small, for a hit that
// comes meanwhile waits for the same commit.
const appendBytes = 128 << 10

// parcel is what the appender gets: records, and what is true of the file once
// they are durable.
type parcel struct {
	records *storage.Records
	so      *Receipt // nil when more of the batch follows
	// folded, unless nil, is told when the fold has seen everything up to here.
	folded chan<- error
	end    error
}

// appender makes parcels durable, one at a time and in order.
type appender struct {
	store    *storage.Store
	so       Receipt // what is durable
	progress func(Receipt)
	free     chan<- *storage.Records
	syncing  errgroup.Group
}

// run appends until the last parcel, whose end it returns unless that is the
// end of the file.
func (a *appender) run(ctx context.Context, in <-chan parcel) error {
	for {
		var p parcel
		select {
		case p = <-in:
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.records.Len() > 0 {
			if _, err := a.store.AppendPatiently(p.records); err != nil {
				return fmt.Errorf("append rows: %w", err)
			}
		}
		p.records.Reset()
		a.free <- p.records
		if p.so != nil {
			a.so = *p.so
			if a.progress != nil {
				a.progress(a.so)
			}
		}
		if folded := p.folded; folded != nil {
			a.syncing.Go(func() error {
				folded <- a.store.Sync()
				return nil
			})
		}
		if errors.Is(p.end, io.EOF) {
			return nil
		}
		if p.end != nil {
			return p.end
		}
	}
}
