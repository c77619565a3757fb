package permit

import (
	"testing"

	"sosie/storage"
	"sosie/storage/block"
)

// fixed puts user 1+m of chunk 5 into mask m.
type fixed struct{}

func (fixed) OrMask(dst *block.Words, chunk int, m storage.Mask) {
	if chunk == 5 {
		dst.Set(1 + uint16(m))
	}
}

func TestAllowed(t *testing.T) {
	for _, row := range []struct {
		op                               Operation
		name                             string
		plain, erased, optedOut, isRobot bool
	}{
		{Count, "count", true, false, false, true},
		{Export, "export", true, false, false, false},
		{operations, "unknown operation", false, false, false, false},
	} {
		var w block.Words
		for low := range uint16(4) {
			w.Set(low)
		}
		Allowed(fixed{}, 5, row.op, &w)
		got := [4]bool{w.Has(0), w.Has(1 + uint16(storage.Erased)), w.Has(1 + uint16(storage.OptedOut)), w.Has(1 + uint16(storage.Robot))}
		if want := [4]bool{row.plain, row.erased, row.optedOut, row.isRobot}; got != want {
			t.Errorf("%s: allowed %v, want %v", row.op, got, want)
		}
		if row.op.String() != row.name {
			t.Errorf("name %q, want %q", row.op, row.name)
		}
	}
}

func TestAllowedIsPerChunk(t *testing.T) {
	var w block.Words
	w.Fill()
	Allowed(fixed{}, 4, Export, &w)
	if w.Count() != block.Users {
		t.Errorf("%d users left in a chunk without masks, want %d", w.Count(), block.Users)
	}
}
