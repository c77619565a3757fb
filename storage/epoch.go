package storage

import "math"

// Epoch is one life of a store. The first has number 1 and no entry; each restore
// begins another, and gives out ordinals that the lives before cannot have
// given out.
type Epoch struct {
	Number uint16 `json:"number"`
	// Mark is the ordinal from which on what earlier epochs sealed counts as
	// none: those users came after the dump that this epoch began with.
	Mark Ordinal `json:"mark"`
	// Start is the first ordinal that this epoch gives out, at least Mark. Those
	// between them are nobody's here.
	Start Ordinal `json:"start"`
}

// Epoch is sealed in every cookie; a restored store has another.
func (s *Store) Epoch() uint16 { return s.about.Epoch }

// Voided reports whether a user named by what an epoch sealed is not known here:
// it came after the dump that a later epoch began with.
func (s *Store) Voided(epoch uint16, u Ordinal) bool {
	for _, e := range s.about.Epochs {
		if epoch < e.Number && u >= e.Mark {
			return true
		}
	}
	return false
}

// Skipped is how many of the ordinals below an end are nobody's because a
// restore skipped them.
func skipped(epochs []Epoch, end Ordinal) (n Ordinal) {
	for _, e := range epochs {
		if end > e.Mark {
			n += min(end, e.Start) - e.Mark
		}
	}
	return n
}

// DefaultGap is how many ordinals a restore skips at least.
const DefaultGap = 1 << 24

// NextEpoch returns the epoch that follows in a store restored from a snapshot
// of about. It must have neither number nor ordinals of any life of the store
// that came after the snapshot; number and start are the highest known of those,
// 0 where nothing is known. How many ordinals such a life gave out cannot be
// known when it is lost, so a gap of them is skipped; 0 means as many as had been
// given out at the snapshot, and DefaultGap at least: the lost life would have
// had to double the users. The error is ErrNoOrdinals.
func (about About) NextEpoch(number uint16, start Ordinal, gap uint64) (Epoch, error) {
	mark := max(about.HighWater, about.Users)
	if gap == 0 {
		gap = max(DefaultGap, uint64(mark-skipped(about.Epochs, mark)))
	}
	const chunk = 1 << 16 // a new epoch shares no chunk with those before
	next := (uint64(max(mark, start)) + gap + chunk - 1) / chunk * chunk
	number = max(number, about.Epoch)
	if next > math.MaxUint32-leaseBlock || number == math.MaxUint16 {
		return Epoch{}, ErrNoOrdinals
	}
	return Epoch{Number: number + 1, Mark: mark, Start: Ordinal(next)}, nil
}
