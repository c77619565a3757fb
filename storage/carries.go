package storage

import "sosie/storage/block"

// Carries reports whether a user carries a label on any day in force. An error
// means blocks that cannot be read: the answer must fail with it.
func (v *View) Carries(l Label, u Ordinal) (bool, error) {
	if u.Chunk() >= len(v.chunks) {
		return false, nil
	}
	r := ChunkReader{view: v, number: u.Chunk(), chunk: v.chunks[u.Chunk()]}
	var room [4]block.Part
	parts, err := r.Any(room[:0], l)
	for _, part := range parts {
		if part.Has(u.Low()) {
			return true, err
		}
	}
	return false, err
}
