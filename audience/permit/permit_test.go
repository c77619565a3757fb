package permit

import (
	"testing"

	"sosie/storage"
	"sosie/storage/block"
)

// fixed puts user 1+m of chunk 5 into mask m.
type fixed struct{}

func (fixed) Mask(chunk int, m storage.Mask) block.Part {
	if chunk != 5 {
		return block.Part{}
	}
	var builder block.Builder
	b, _ := builder.Merge(nil, []block.Key{block.MakeKey(uint32(m), 1+uint16(m))})
	return b.Part(uint32(m))
}

func (f fixed) Masked(m storage.Mask, u storage.Ordinal) bool {
	return f.Mask(u.Chunk(), m).Has(u.Low())
}

func TestAllowed(t *testing.T) {
	for _, row := range []struct {
		op                                          Operation
		name                                        string
		plain, erased, optedOut, isRobot, noConsent bool
	}{
		{Count, "count", true, false, false, true, false},
		{Export, "export", true, false, false, false, false},
		{Serve, "serve", true, false, false, false, false},
		{operations, "unknown operation", false, false, false, false, false},
	} {
		var w block.Words
		for low := range uint16(5) {
			w.Set(low)
		}
		Allowed(fixed{}, 5, row.op, &w)
		got := [5]bool{w.Has(0), w.Has(1 + uint16(storage.Erased)), w.Has(1 + uint16(storage.OptedOut)), w.Has(1 + uint16(storage.Robot)), w.Has(1 + uint16(storage.NoConsent))}
		if want := [5]bool{row.plain, row.erased, row.optedOut, row.isRobot, row.noConsent}; got != want {
			t.Errorf("%s: allowed %v, want %v", row.op, got, want)
		}
		for low := range uint16(5) {
			if User(fixed{}, row.op, storage.At(5, low)) != w.Has(low) {
				t.Errorf("%s: user %d is %v alone and %v among others", row.op, low, !w.Has(low), w.Has(low))
			}
		}
		if All(fixed{}, 5, row.op) || All(fixed{}, 4, row.op) != row.plain {
			t.Errorf("%s: all of a chunk with masks %v, without %v", row.op, All(fixed{}, 5, row.op), All(fixed{}, 4, row.op))
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
