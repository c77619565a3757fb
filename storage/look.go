package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sosie/storage/block"
	"sosie/storage/tables"
)

// look says what a value of the store directory holds of the users.
func (f *finder) look(e tables.Entry) (what string, mask bool, err error) {
	if e.Deleted {
		// The marker of a deleted id still spells the id.
		if f.ids[string(e.Key)] {
			return "the marker of a deleted id", false, nil
		}
		return "", false, nil
	}
	if len(e.Key) == 0 {
		return "", false, nil
	}
	switch e.Key[0] {
	case keyBlock:
		if len(e.Key) != blockKeySize {
			return "", false, ErrCorrupt
		}
		class, day, chunk, part := parseBlockKey(e.Key)
		if !f.inChunk(chunk) {
			return "", false, nil
		}
		where := fmt.Sprintf("block of day %s, class %d, chunk %d", day, class, chunk)
		if part&^otherCopy != 0 || len(e.Value) == maxValue {
			first := string(partKey(class, day, chunk, part&otherCopy))
			f.parts[first] = append(f.parts[first], blockPart{Entry: e, part: part &^ otherCopy, where: where})
			last := &f.parts[first][len(f.parts[first])-1]
			last.Key, last.Value = bytes.Clone(e.Key), bytes.Clone(e.Value)
			return "", false, nil
		}
		b, err := block.Decode(e.Value)
		if err != nil {
			return where, false, err
		}
		if labels := f.labels(b, chunk); len(labels) > 0 {
			return fmt.Sprintf("%s: labels %v", where, labels), false, nil
		}
	case keyDelta:
		var events dayEvents
		if err := decodeDelta(e.Value, &events); err != nil {
			return "delta", false, err
		}
		for u := range f.users {
			if u.Chunk() < len(events.chunks) && slices.ContainsFunc(events.chunks[u.Chunk()], func(k block.Key) bool { return k.Low() == u.Low() }) {
				return fmt.Sprintf("delta of day %s", Day(binary.BigEndian.Uint32(e.Key[1:]))), false, nil
			}
		}
	case keyMask:
		return f.lookMask(e)
	case keyClaims:
		rows, err := unchecked(e.Value)
		if err != nil {
			return "claims", false, err
		}
		for row := range slices.Chunk(rows, claimRowSize) {
			if len(row) == claimRowSize && f.users[Ordinal(binary.LittleEndian.Uint32(row[8:]))] {
				return "claim of a pending cookie", false, nil
			}
		}
	case keyForward:
		holders, err := decodeHolders(e.Value)
		if err != nil {
			return "id", false, err
		}
		if f.ids[string(e.Key)] || slices.ContainsFunc(holders, func(h holder) bool { return f.users[h.user] }) {
			return fmt.Sprintf("id of space %d", e.Key[1]), false, nil
		}
	case keyPage:
		page, err := decodePage(e.Value)
		if err != nil || len(e.Key) != 6 {
			return "page of ids", false, errors.Join(err, ErrCorrupt)
		}
		for low, external := range page {
			u := Ordinal(binary.BigEndian.Uint32(e.Key[2:])<<8 | uint32(low))
			if f.users[u] || f.ids[string(forwardKey(Space(e.Key[1]), external))] {
				return fmt.Sprintf("page of ids of space %d", e.Key[1]), false, nil
			}
		}
	}
	return "", false, nil
}

func (f *finder) lookMask(e tables.Entry) (what string, only bool, err error) {
	body, err := unchecked(e.Value)
	if err != nil || len(body) <= 8 || len(e.Key) != 5 {
		return "", false, err
	}
	b, err := block.Decode(body[8:])
	if err != nil {
		return "masks", false, err
	}
	chunk := int(binary.BigEndian.Uint32(e.Key[1:]))
	var names []string
	only = true
	for _, l := range f.labels(b, chunk) {
		switch {
		case l == uint32(Erased):
			names = append(names, Erased.String())
		case l == purgedMask:
			names = append(names, "purged")
		default:
			names, only = append(names, Mask(l).String()), false
		}
	}
	if len(names) == 0 {
		return "", false, nil
	}
	return fmt.Sprintf("masks of chunk %d: %s", chunk, strings.Join(names, ", ")), only && slices.Contains(names, Erased.String()), nil
}

func (f *finder) inChunk(chunk int) bool {
	for u := range f.users {
		if u.Chunk() == chunk {
			return true
		}
	}
	return false
}

// labels lists the labels that any of the users carries in a block of a chunk.
func (f *finder) labels(b *block.Block, chunk int) (labels []uint32) {
	for i := range b.Len() {
		for u := range f.users {
			if u.Chunk() == chunk && b.Has(b.Label(i), u.Low()) {
				labels = append(labels, b.Label(i))
				break
			}
		}
	}
	return labels
}

// blockPart is one version of one part of a block in several.
type blockPart struct {
	tables.Entry
	part  int
	where string
}

// lookAtParts puts the newest parts of each block together. Which earlier ones
// belong together cannot be told: they are traces as they are.
func (f *finder) lookAtParts() error {
	for _, parts := range f.parts {
		slices.SortFunc(parts, func(a, b blockPart) int {
			return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(b.Version, a.Version))
		})
		var encoded []byte
		for i, p := range parts {
			if i == 0 || p.part != parts[i-1].part {
				encoded = append(encoded, p.Value...)
				continue
			}
			f.note(p.Entry, p.where+": a part of an earlier version", false)
		}
		b, err := block.Decode(encoded)
		if err != nil {
			f.note(parts[0].Entry, fmt.Sprintf("%s: %v", parts[0].where, err), false)
			continue
		}
		_, _, chunk, _ := parseBlockKey(parts[0].Key)
		if labels := f.labels(b, chunk); len(labels) > 0 {
			f.note(parts[0].Entry, fmt.Sprintf("%s: labels %v", parts[0].where, labels), false)
		}
	}
	return nil
}
