package dmp

import (
	"context"
	"errors"
	"slices"
	"time"

	"sosie/audience"
	"sosie/audience/segments"
	"sosie/storage"
)

// Shelf keeps saved segments.
type Shelf interface {
	// Segments lists them by name, each with its newest size.
	Segments(ctx context.Context) ([]SavedSegment, error)
	// Segment returns one, with the history of its sizes.
	Segment(ctx context.Context, name string) (SavedSegment, error)
	// SaveSegment keeps an expression under a name, in place of the one that has
	// the name only if replace is set, and measures it.
	SaveSegment(ctx context.Context, segment segments.Segment, replace bool) (SavedSegment, error)
	// CopySegment saves a segment under a second name.
	CopySegment(ctx context.Context, from, to string) (SavedSegment, error)
	// RenameSegment renames a segment, also in those that use it.
	RenameSegment(ctx context.Context, from, to string) error
	// DeleteSegment removes a segment that no other uses and nobody reads.
	DeleteSegment(ctx context.Context, name string) error
	// PublishSegment lets a site or a partner read who is in a segment.
	PublishSegment(ctx context.Context, name, to string) (SavedSegment, error)
	// UnpublishSegment ends what PublishSegment began.
	UnpublishSegment(ctx context.Context, name, to string) (SavedSegment, error)
}

// SavedSegment is a segment with its sizes, one a day, ascending.
type SavedSegment struct {
	segments.Segment
	Sizes []segments.Size `json:"sizes"`
}

// newShelf opens the saved segments.
func (d *DMP) newShelf() *segments.Shelf {
	return segments.New(d.store.Documents(), func(e audience.Expr, r audience.Resolver) error {
		_, _, err := audience.Compile(d.store.View(), e, r)
		return err
	}, nil)
}

// Segments lists the saved segments.
func (d *DMP) Segments(context.Context) ([]SavedSegment, error) {
	all, err := d.segments.List()
	if err != nil {
		return nil, segmentError("list", "segments", err)
	}
	out := make([]SavedSegment, 0, len(all))
	for _, segment := range all {
		sizes, err := d.segments.Sizes(segment.Name)
		if err != nil {
			return nil, segmentError("read", segment.Name, err)
		}
		out = append(out, SavedSegment{Segment: segment, Sizes: sizes[max(0, len(sizes)-1):]})
	}
	return out, nil
}

// Segment returns a saved segment.
func (d *DMP) Segment(_ context.Context, name string) (SavedSegment, error) {
	segment, err := d.segments.Get(name)
	if err != nil {
		return SavedSegment{}, d.unknownSegment("read", name, err)
	}
	sizes, err := d.segments.Sizes(name)
	if err != nil {
		return SavedSegment{}, segmentError("read", name, err)
	}
	return SavedSegment{Segment: segment, Sizes: sizes}, nil
}

// SaveSegment keeps a segment.
func (d *DMP) SaveSegment(ctx context.Context, segment segments.Segment, replace bool) (SavedSegment, error) {
	if err := d.store.Sync(); err != nil { // labels just declared count as such
		return SavedSegment{}, segmentError("save", segment.Name, err)
	}
	saved, err := d.segments.Save(segment, replace)
	if err != nil {
		return SavedSegment{}, segmentError("save", segment.Name, err)
	}
	return d.measured(ctx, saved.Name)
}

// CopySegment copies a segment.
func (d *DMP) CopySegment(ctx context.Context, from, to string) (SavedSegment, error) {
	copied, err := d.segments.Copy(from, to)
	if err != nil {
		return SavedSegment{}, d.unknownSegment("copy", from, err)
	}
	return d.measured(ctx, copied.Name)
}

func (d *DMP) measured(ctx context.Context, name string) (SavedSegment, error) {
	if err := d.measure(ctx, name); err != nil {
		return SavedSegment{}, err
	}
	return d.Segment(ctx, name)
}

// RenameSegment renames a segment.
func (d *DMP) RenameSegment(_ context.Context, from, to string) error {
	if err := d.segments.Rename(from, to); err != nil {
		return d.unknownSegment("rename", from, err)
	}
	return nil
}

// DeleteSegment removes a segment.
func (d *DMP) DeleteSegment(_ context.Context, name string) error {
	if err := d.segments.Delete(name); err != nil {
		return d.unknownSegment("delete", name, err)
	}
	return nil
}

// measure records how large a segment is today.
func (d *DMP) measure(ctx context.Context, name string) error {
	e := &audience.Call{Function: audience.FuncSegment, Name: name}
	n, err := d.Count(ctx, e.String())
	if err == nil {
		err = d.segments.Measured(n.Day, map[string]uint64{name: n.Count})
	}
	if err != nil {
		return segmentError("measure", name, err)
	}
	return nil
}

// measureEvery is how often the day is looked at, and what could not be measured
// is tried again.
const measureEvery = time.Minute

// measureDaily records the sizes of all segments when it starts and whenever a
// day begins, until ctx is done.
func (d *DMP) measureDaily(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	var last storage.Day
	var due []string
	for {
		if day := d.store.View().Stamp().Day; day != last {
			last, due = day, d.segments.Names()
		}
		due = slices.DeleteFunc(due, func(name string) bool { return d.measure(ctx, name) == nil })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// segmentError is an error of the shelf, for an operator.
func segmentError(op, name string, err error) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return err
	}
	if cause := errors.Unwrap(err); cause != nil { // the shelf says operation and object too
		err = cause
	}
	out := &Error{Op: op, Object: "segment " + name, Err: err, Hint: hintOf(err)}
	if fault := (*audience.Error)(nil); errors.As(err, &fault) {
		out.Err = caused{err, ErrExpression}
	}
	switch {
	case errors.Is(err, segments.ErrExists):
		out.Err, out.Hint = caused{err, ErrSegment}, "Choose another name, or replace it with --replace."
	case errors.Is(err, segments.ErrUsed):
		out.Err, out.Hint = caused{err, ErrSegment}, "Change or delete those first."
	case errors.Is(err, segments.ErrPublished):
		out.Err, out.Hint = caused{err, ErrSegment}, "`sosie segment unpublish NAME --from DESTINATION` ends that first: those who read it know it by its name."
	case errors.Is(err, segments.ErrNotPublished):
		out.Err, out.Hint = caused{err, ErrSegment}, "`sosie segment show NAME` says where it is."
	case errors.Is(err, segments.ErrUnknown), errors.Is(err, segments.ErrBadName):
		out.Err = caused{err, ErrSegment}
	}
	return out
}

// unknownSegment is segmentError with the nearest name as its hint.
func (d *DMP) unknownSegment(op, name string, err error) error {
	out := segmentError(op, name, err)
	if own := (*Error)(nil); errors.Is(err, segments.ErrUnknown) && errors.As(out, &own) {
		own.Hint = "`sosie segment list` shows the names."
		if near, ok := audience.Nearest(name, d.segments.Names()); ok {
			own.Hint = "Did you mean " + near + "?"
		}
	}
	return out
}
