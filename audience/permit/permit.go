// Package permit is the one table of what may be done with which user: an
// operation names the masks whose users it must leave out. Counts, exports and
// everything else that uses a user ask here and nowhere else.
//
// Invariant: an operation the table does not know permits nobody.
package permit

import (
	"sync"

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

	operations
)

// table holds, for each operation, the masks it leaves out.
var table = [operations]struct {
	name      string
	leavesOut []storage.Mask
}{
	Count:  {"count", []storage.Mask{storage.Erased, storage.OptedOut}},
	Export: {"export", []storage.Mask{storage.Erased, storage.OptedOut, storage.Robot}},
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
	// OrMask adds the mask's users of a chunk to dst.
	OrMask(dst *block.Words, chunk int, m storage.Mask)
}

var scratch = sync.Pool{New: func() any { return new(block.Words) }}

// Allowed removes from dst, users of the given chunk, all whom the operation
// may not touch. Safe for concurrent use.
func Allowed(v Masks, chunk int, op Operation, dst *block.Words) {
	if op >= operations {
		dst.Clear()
		return
	}
	out := scratch.Get().(*block.Words)
	defer scratch.Put(out)
	out.Clear()
	for _, m := range table[op].leavesOut {
		v.OrMask(out, chunk, m)
	}
	dst.AndNot(out)
}
