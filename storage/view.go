package storage

import (
	"iter"
	"time"

	"sosie/storage/block"
)

// Stamp says what an answer is true of.
type Stamp struct {
	// Seq is the sequence of the newest batch of the log that took part.
	Seq uint64 `json:"seq"`
	// Day is the day on which labels are in force.
	Day Day `json:"day"`
	// At is when the view was published.
	At time.Time `json:"at"`
}

// View is the whole store at one moment: consistent over all chunks, read
// without a lock, never changing.
type View struct {
	stamp     Stamp
	labels    *Labels
	documents documentSet
	chunks    []*chunkView
	store     *Store // streams days that memory does not hold
}

// chunkView is one chunk at one moment.
type chunkView struct {
	sealed []sealedDay  // ascending by day
	open   []openDay    // what came since the day was sealed; ascending
	any    *block.Block // of sealed days and of settled blocks, as far as in force
	masks  *block.Block // the "label" is the number of the Mask
	damage error        // why any is not complete
}

// sealedDay is a day that rests on disk, one block per retention class. Its
// blocks are nil when memory has let go of them.
type sealedDay struct {
	day     Day
	classes []int
	blocks  []*block.Block // nil when evicted
	damage  error
}

// openDay is what came in for a day since it was sealed. New events go to
// recent, which stays small; when it has grown it is settled: merged into the
// other block, and into any time.
type openDay struct {
	day     Day
	settled *block.Block
	recent  *block.Block
}

// Stamp says what the view is true of.
func (v *View) Stamp() Stamp { return v.stamp }

// Labels is the dictionary as of the view.
func (v *View) Labels() *Labels { return v.labels }

// Documents yields the documents of a kind as of the view, in order of their
// names. What Store.Documents has may be newer.
func (v *View) Documents(kind string) iter.Seq2[string, []byte] { return v.documents.list(kind) }

// DocumentKinds returns the kinds of all documents as of the view, in order.
func (v *View) DocumentKinds() []string { return v.documents.kinds() }

// Document returns the value of a document as of the view, which must not be
// changed. The error is ErrNoDocument.
func (v *View) Document(kind, name string) ([]byte, error) { return v.documents.get(kind, name) }

// Chunks is the number of chunks that have ever had a user.
func (v *View) Chunks() int { return len(v.chunks) }

// OrAny adds to dst the users of a chunk that carry l on any day in force. An
// error means blocks that cannot be read: the answer must fail with it.
func (v *View) OrAny(dst *block.Words, chunk int, l Label) error {
	r := v.Reader()
	r.Open(chunk)
	parts, err := r.Any(nil, l)
	return or(dst, parts, err)
}

// OrDays adds to dst the users of a chunk that carry l on a day from first to
// last, both included, as far as these are in force.
func (v *View) OrDays(dst *block.Words, chunk int, l Label, first, last Day) error {
	r := v.Reader()
	r.Open(chunk)
	parts, err := r.Days(nil, l, first, last)
	return or(dst, parts, err)
}

func or(dst *block.Words, parts []block.Part, err error) error {
	for _, part := range parts {
		part.Or(dst)
	}
	return err
}

// Mask returns the users of a chunk that are in a mask.
func (v *View) Mask(chunk int, m Mask) block.Part { return v.chunks[chunk].masks.Part(uint32(m)) }

// OrMask adds to dst the users of a chunk that are in a mask.
func (v *View) OrMask(dst *block.Words, chunk int, m Mask) { v.Mask(chunk, m).Or(dst) }

// Masked reports whether one user is in a mask.
func (v *View) Masked(m Mask, u Ordinal) bool {
	c := u.Chunk()
	return c < len(v.chunks) && v.chunks[c].masks.Has(uint32(m), u.Low())
}

// UserLabels calls fn for each label that a user carries on any day in force, in no
// particular order. It reads memory only.
func (v *View) UserLabels(u Ordinal, fn func(l Label)) error {
	if u.Chunk() >= len(v.chunks) {
		return nil
	}
	r := v.Reader()
	r.Open(u.Chunk())
	return r.EachLabel(func(l Label, parts []block.Part) {
		for _, part := range parts {
			if part.Has(u.Low()) {
				fn(l)
				return
			}
		}
	})
}

// UserDays calls fn for each (label, day) in force that a user carries, in no
// particular order.
func (v *View) UserDays(u Ordinal, fn func(l Label, day Day)) error {
	if u.Chunk() >= len(v.chunks) {
		return nil
	}
	r := v.Reader()
	r.Open(u.Chunk())
	c := r.chunk
	visit := func(b *block.Block, day Day) {
		for i := range b.Len() {
			l := Label(b.Label(i))
			if day >= v.labels.first(l, v.stamp.Day) && b.Has(uint32(l), u.Low()) {
				fn(l, day)
			}
		}
	}
	for i := range c.sealed {
		d := &c.sealed[i]
		if d.day > v.stamp.Day {
			break
		}
		blocks, err := r.blocks(d)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			visit(b, d.day)
		}
	}
	for _, o := range c.open {
		if o.day <= v.stamp.Day {
			visit(o.settled, o.day)
			visit(o.recent, o.day)
		}
	}
	return nil
}
