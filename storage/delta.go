package storage

import (
	"encoding/binary"
	"fmt"

	"sosie/storage/block"
)

// A delta is what came in for one day between two checkpoints: small, sorted,
// and thrown away when the day is sealed. Overwriting the day's blocks instead
// would write four to twenty times as much.
//
//	u8  version, 1
//	per chunk:  uvarint chunk, uvarint keys, then per key the uvarint distance
//	            to the key before (a key is label << 16 | place in the chunk)
//	u32 CRC-32C
const deltaVersion = 1

// encodeDelta calls emit with values of at most about maxValue bytes that
// together hold all keys. The keys of each chunk are sorted and unique.
func encodeDelta(events *dayEvents, emit func(value []byte) error) error {
	value := []byte{deltaVersion}
	for chunk, keys := range events.chunks {
		for len(keys) > 0 {
			n := min(len(keys), maxValue/8)
			value = binary.AppendUvarint(value, uint64(chunk))
			value = binary.AppendUvarint(value, uint64(n))
			before := block.Key(0)
			for _, k := range keys[:n] {
				value = binary.AppendUvarint(value, uint64(k-before))
				before = k
			}
			keys = keys[n:]
			if len(value) > maxValue/2 {
				if err := emit(checked(value)); err != nil {
					return err
				}
				value = []byte{deltaVersion}
			}
		}
	}
	if len(value) > 1 {
		return emit(checked(value))
	}
	return nil
}

// decodeDelta adds the keys of a delta to events.
func decodeDelta(value []byte, events *dayEvents) error {
	body, err := unchecked(value)
	if err != nil {
		return fmt.Errorf("decode delta: %w", err)
	}
	if len(body) == 0 || body[0] != deltaVersion {
		return fmt.Errorf("decode delta: %w: unknown version", ErrCorrupt)
	}
	r := reader{rest: body[1:]}
	for len(r.rest) > 0 && !r.bad {
		chunk, n := r.uvarint(), r.uvarint()
		if chunk >= 1<<16 || n > uint64(len(r.rest)) {
			r.bad = true
			break
		}
		events.grow(int(chunk) + 1)
		k := uint64(0)
		for range n {
			k += r.uvarint()
			events.chunks[chunk] = append(events.chunks[chunk], block.Key(k))
		}
	}
	if r.bad {
		return fmt.Errorf("decode delta: %w: cut short", ErrCorrupt)
	}
	return nil
}
