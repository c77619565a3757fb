package audience

import (
	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// Set is a set of users, read one chunk at a time. Its methods are safe for
// concurrent use.
type Set interface {
	// Chunk overwrites dst with the set's users of the chunk. An error means
	// that the store could not be read, and that no answer may be given.
	Chunk(dst *block.Words, chunk int) error
	// Chunks is the number of chunks; from there on the set is empty.
	Chunks() int
	// Stamp is what the set is true of.
	Stamp() storage.Stamp
}

// Permitted returns the users of s whom the operation may touch, by the masks
// of the view that s was compiled on.
func Permitted(s Set, v *storage.View, op permit.Operation) Set { return permitted{s, v, op} }

type permitted struct {
	Set
	masks permit.Masks
	op    permit.Operation
}

// Chunk is that of the inner set without the users that are left out.
func (p permitted) Chunk(dst *block.Words, chunk int) error {
	if chunk >= p.Chunks() {
		dst.Clear()
		return nil
	}
	if err := p.Set.Chunk(dst, chunk); err != nil {
		return err
	}
	permit.Allowed(p.masks, chunk, p.op, dst)
	return nil
}

// card is that of the inner set where nobody of the chunk is left out.
func (p permitted) card(chunk int) (n int, ok bool, err error) {
	inner, stored := p.Set.(carded)
	if !stored || chunk >= p.Chunks() || !permit.All(p.masks, chunk, p.op) {
		return 0, false, nil
	}
	return inner.card(chunk)
}

// carded is a set that may know how many users a chunk has without listing
// them; ok says whether it does.
type carded interface {
	card(chunk int) (n int, ok bool, err error)
}
