package storage

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
)

// inspector checks the values of the store directory, in order of their keys.
type inspector struct {
	values, ids Check
	labels      int     // in the dictionary
	users       Ordinal // above every user

	n      map[byte]int // keys of each kind
	block  blockKeys    // the one being put together
	copies [2][]byte

	// The ids of both directions are compared as sums of hashes, which do not
	// depend on the order: a lookup of each would take minutes.
	seed            maphash.Seed
	forward, pages  uint64
	forwardN, pageN int
}

type blockKeys struct {
	class int
	day   Day
	chunk int
}

// breatheKeys is how many keys are read between two breaths.
const breatheKeys = 4096

// examineValues reads every value there is.
func (f *fold) examineValues() (values, ids Check, err error) {
	in := inspector{
		values: Check{Name: "values"}, ids: Check{Name: "ids"}, labels: f.dictionary.Len(), users: max(f.cursor.Users, f.cursor.Leased),
		n: map[byte]int{}, seed: maphash.MakeSeed(),
	}
	keys := 0
	err = f.s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if err := item.Value(func(value []byte) error { in.value(item.Key(), value); return nil }); err != nil {
				in.values.add(doRestore, "key %x: %v", item.Key(), err)
			}
			if keys++; keys%breatheKeys == 0 {
				f.breathe()
			}
		}
		return nil
	})
	in.endBlock()
	if in.forward != in.pages || in.forwardN != in.pageN {
		in.ids.add(doIDs, "%s ids name users, %s are in the pages of users, and they are not the same", comma(in.forwardN), comma(in.pageN))
	}
	in.ids.Checked = fmt.Sprintf("%s ids both ways", comma(in.forwardN))
	in.values.Checked = fmt.Sprintf("%s keys: %s of blocks, %s of deltas, %s of masks, %s of labels, %s of claims, %s of ids, %s of documents",
		comma(keys), comma(in.n[keyBlock]), comma(in.n[keyDelta]), comma(in.n[keyMask]), comma(in.n[keyLabel]), comma(in.n[keyClaims]),
		comma(in.n[keyForward]+in.n[keyPage]), comma(in.n[keyDocument]))
	return in.values, in.ids, err
}

// value checks one key and its value.
func (in *inspector) value(key, value []byte) {
	if len(key) == 0 {
		in.values.add(doBug, "an empty key")
		return
	}
	in.n[key[0]]++
	bad := func(what string, err error) {
		if err != nil {
			in.values.add(doRestore, "%s, key %x: %v", what, key, err)
		}
	}
	if size, fixed := keySizes[key[0]]; fixed && len(key) != size {
		bad("a key of the wrong length", ErrCorrupt)
		return
	}
	if key[0] != keyBlock {
		in.endBlock()
	}
	switch key[0] {
	case keyBlock:
		in.part(key, value)
	case keyDelta:
		var events dayEvents
		bad("delta", decodeDelta(value, &events))
		for chunk, keys := range events.chunks {
			for _, k := range keys {
				bad("delta", in.known(k.Label(), At(chunk, k.Low())))
			}
		}
	case keyMask:
		body, err := unchecked(value)
		if err == nil && len(body) > 8 {
			var b *block.Block
			if b, err = block.Decode(body[8:]); err == nil {
				err = in.inRange(b, int(binary.BigEndian.Uint32(key[1:])))
			}
		}
		bad("masks", err)
	case keyLabel:
		var state LabelState
		bad("label", uncheckedJSON(value, &state))
	case keySpace:
		var names []string
		bad("id spaces", uncheckedJSON(value, &names))
	case keyClaims:
		rows, err := unchecked(value)
		if err == nil && len(rows)%claimRowSize != 0 {
			err = ErrCorrupt
		}
		bad("claims", err)
	case keyForward:
		bad("id", in.forwardID(key, value))
	case keyPage:
		bad("page of ids", in.page(key, value))
	case keyDocument:
		_, err := parseDocumentKey(key)
		bad("document", err)
		_, err = unchecked(value)
		bad("document", err)
	case keyCursor:
		var c cursor
		bad("cursor", uncheckedJSON(value, &c))
	case keyScratch:
	default:
		in.values.add(doBug, "key %x is of no known kind", key)
	}
}

// keySizes are the lengths of keys that have one.
var keySizes = map[byte]int{keyBlock: blockKeySize, keyDelta: 15, keyMask: 5, keyLabel: 5, keySpace: 1, keyClaims: 11, keyPage: 6, keyCursor: 1}

// known checks that a label and a user exist.
func (in *inspector) known(label uint32, u Ordinal) error {
	if int(label) >= in.labels {
		return fmt.Errorf("%w: label %d is not in the dictionary", ErrCorrupt, label)
	}
	if u >= in.users {
		return fmt.Errorf("%w: user %d is above the highest, %d", ErrCorrupt, u, in.users)
	}
	return nil
}

// inRange checks that no user of a block is above the highest.
func (in *inspector) inRange(b *block.Block, chunk int) error {
	if At(chunk, 0xffff) < in.users {
		return nil
	}
	var all block.Words
	for i := range b.Len() {
		b.OrAt(&all, i)
	}
	var err error
	all.Each(func(low uint16) {
		if u := At(chunk, low); u >= in.users {
			err = fmt.Errorf("%w: user %d is above the highest, %d", ErrCorrupt, u, in.users)
		}
	})
	return err
}

// part takes one part of a block. The parts of a block follow each other.
func (in *inspector) part(key, value []byte) {
	class, day, chunk, part := parseBlockKey(key)
	if next := (blockKeys{class, day, chunk}); next != in.block {
		in.endBlock()
		in.block = next
	}
	which := part / otherCopy
	in.copies[which] = append(in.copies[which], value...)
}

// endBlock checks the block that has been put together. Of two copies one is
// enough: a crash in mid-rewrite leaves the other.
func (in *inspector) endBlock() {
	var failed error
	whole := false
	for _, encoded := range in.copies {
		if encoded == nil {
			continue
		}
		b, err := block.Decode(encoded)
		if err == nil {
			whole = true
			for i := range b.Len() {
				if int(b.Label(i)) >= in.labels {
					err = fmt.Errorf("%w: label %d is not in the dictionary", ErrCorrupt, b.Label(i))
				}
			}
			if err == nil {
				err = in.inRange(b, in.block.chunk)
			}
		}
		if err != nil {
			failed = fmt.Errorf("block of day %s, class %d, chunk %d: %w", in.block.day, in.block.class, in.block.chunk, err)
		}
	}
	if failed != nil && !(whole && in.copies[0] != nil && in.copies[1] != nil) {
		in.values.add(doRestore, "%v", failed)
	}
	in.copies = [2][]byte{}
}

func (in *inspector) forwardID(key, value []byte) error {
	holders, err := decodeHolders(value)
	if err != nil {
		return err
	}
	if len(key) < 3 || len(key) > 2+MaxExternalID {
		return ErrCorrupt
	}
	for _, h := range holders {
		in.forward += in.hash(key[1], string(key[2:]), h.user)
		in.forwardN++
	}
	return nil
}

func (in *inspector) page(key, value []byte) error {
	page, err := decodePage(value)
	if err != nil {
		return err
	}
	for low, external := range page {
		in.pages += in.hash(key[1], external, Ordinal(binary.BigEndian.Uint32(key[2:])<<8|uint32(low)))
		in.pageN++
	}
	return nil
}

func (in *inspector) hash(space byte, external string, u Ordinal) uint64 {
	var h maphash.Hash
	h.SetSeed(in.seed)
	h.WriteByte(space)
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(u)))
	h.WriteString(external)
	return h.Sum64()
}
