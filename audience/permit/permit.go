// Package permit is the one table of what may be done with which user: an
// operation names the masks whose users it must leave out. Counts, exports and
// everything else that uses a user ask here and nowhere else.
//
// Invariant: an operation the table does not know permits nobody.
package permit

import (
	"sosie/storage"
	"sosie/storage/block"
)

// Operation is something done with the users of a segment.
type Operation uint8

// The operations.
const (
	// Count tells how many users there are.
	Count Operation = iota
	// Export writes users, by names of theirs, to a file or a platform.
	Export
	// Serve tells a site or a partner in which published segments one user is.
	Serve

	operations
)

// table holds, for each operation, the masks it leaves out.
var table = [operations]struct {
	name      string
	leavesOut []storage.Mask
}{
	Count:  {"count", []storage.Mask{storage.Erased, storage.OptedOut, storage.NoConsent}},
	Export: {"export", []storage.Mask{storage.Erased, storage.OptedOut, storage.NoConsent, storage.Robot}},
	Serve:  {"serve", []storage.Mask{storage.Erased, storage.OptedOut, storage.NoConsent, storage.Robot}},
}

// String returns the operation's name.
func (op Operation) String() string {
	if op < operations {
		return table[op].name
	}
	return "unknown operation"
}

// Masks is what holds the masks; *storage.View does.
type Masks interface {
	// Mask returns the mask's users of a chunk.
	Mask(chunk int, m storage.Mask) block.Part
}

// Allowed removes from dst, users of the given chunk, all whom the operation
// may not touch. Safe for concurrent use.
func Allowed(v Masks, chunk int, op Operation, dst *block.Words) {
	if op >= operations {
		dst.Clear()
		return
	}
	for _, m := range table[op].leavesOut {
		v.Mask(chunk, m).AndNot(dst)
	}
}

// Members is what knows the masks of one user; *storage.View does.
type Members interface {
	// Masked reports whether the user is in the mask.
	Masked(m storage.Mask, u storage.Ordinal) bool
}

// User reports whether the operation may touch one user. It allocates nothing.
func User(v Members, op Operation, u storage.Ordinal) bool {
	if op >= operations {
		return false
	}
	for _, m := range table[op].leavesOut {
		if v.Masked(m, u) {
			return false
		}
	}
	return true
}

// All reports whether the operation may touch every user of a chunk.
func All(v Masks, chunk int, op Operation) bool {
	if op >= operations {
		return false
	}
	for _, m := range table[op].leavesOut {
		if v.Mask(chunk, m).Card() > 0 {
			return false
		}
	}
	return true
}
