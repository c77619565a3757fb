package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sosie/bench/floor"
	"sosie/bench/report"
	"sosie/storage"
)

// appends measures a durable append beside the flush of as many bytes with
// nothing around it, in turns, in the same directory.
func (o StorageOptions) appends(ctx context.Context, r *report.Report, dir string) error {
	store, err := storage.Open(storage.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer store.Close()
	site, err := store.DeclareSite(siteKey)
	if err != nil {
		return err
	}
	labels, err := store.Declare(storage.LabelSpec{Name: "interest/a"}, storage.LabelSpec{Name: "interest/b"})
	if err != nil {
		return err
	}
	t := r.Table("one durable append, microseconds",
		report.Column{Key: "hits", Head: "hits"},
		report.Column{Key: "bytes", Head: "bytes"},
		report.Column{Key: "append_us", Head: "append"},
		report.Column{Key: "append_p99_us", Head: "p99"},
		report.Column{Key: "fdatasync_us", Head: "raw fdatasync"},
		report.Column{Key: "fdatasync_p99_us", Head: "p99"},
		report.Column{Key: "ratio", Head: "ratio of medians"})
	for _, hits := range []int{1, 64, 256} {
		records := new(storage.Records)
		for i := range hits {
			records.Hit(storage.Ordinal(i), storage.DayOf(time.Now()), site, labels[0], labels[1])
		}
		ours, raw, err := o.appendRounds(ctx, store, records, dir)
		if err != nil {
			return err
		}
		a, f := report.Of(ours), report.Of(raw)
		t.Add(hits, records.Len(), a.Median, percentile(ours, 99), f.Median, percentile(raw, 99), a.Median/f.Median)
	}
	t.Note("%d of each in turns; the raw file is zero-filled beforehand, so that a flush has no metadata to write", o.Appends)
	return nil
}

func (o StorageOptions) appendRounds(ctx context.Context, store *storage.Store, records *storage.Records, dir string) (ours, raw []float64, err error) {
	flusher, err := floor.NewFlusher(dir, records.Len(), o.Appends)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, flusher.Close()) }()
	for range o.Appends {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		took, err := flusher.Flush()
		if err != nil {
			return nil, nil, err
		}
		start := time.Now()
		if _, err := store.Append(records); err != nil {
			return nil, nil, fmt.Errorf("append: %w", err)
		}
		ours = append(ours, float64(time.Since(start).Nanoseconds())/1e3)
		raw = append(raw, float64(took.Nanoseconds())/1e3)
	}
	return ours, raw, nil
}
