package storage

import (
	"fmt"

	"sosie/storage/block"
)

// maxErased bounds the users of one append, far below the size of a batch.
const maxErased = 50_000

// Erase puts users into the mask of the erased, and returns when no answer holds
// them any more; the ids that named them name nobody. What the disk holds of
// them leaves with the next Purge, at midnight at the latest. The ordinals are
// not given out again.
func (s *Store) Erase(users ...Ordinal) error {
	for len(users) > 0 {
		n := min(len(users), maxErased)
		var r Records
		for _, u := range users[:n] {
			r.Mask(Erased, u, true)
		}
		if _, err := s.Append(&r); err != nil {
			return fmt.Errorf("erase %d users: %w", n, err)
		}
		users = users[n:]
	}
	return s.Sync()
}

// gone reports whether the records of a user are dropped.
func (f *fold) gone(u Ordinal) bool {
	e := f.erased[u.Chunk()]
	return e != nil && e.Has(u.Low())
}

// erase notes that a user enters or leaves the mask of the erased. Doing it
// twice changes nothing.
func (f *fold) erase(u Ordinal, on bool) {
	chunk := u.Chunk()
	if !on {
		for _, set := range []*block.Words{f.erased[chunk], f.purged[chunk]} {
			if set != nil {
				set.Unset(u.Low())
			}
		}
		return
	}
	if f.erased[chunk] == nil {
		f.erased[chunk] = &block.Words{}
	}
	f.erased[chunk].Set(u.Low())
	f.forgetIDs(u)
}

// forgetIDs takes the ids of an erased user out, both ways.
func (f *fold) forgetIDs(u Ordinal) {
	for space := range f.s.spaces.names() {
		if err := f.s.ids.forget(Space(space), u); err != nil {
			f.fail(fmt.Errorf("forget ids of user %d: %w", u, err))
		}
	}
}
