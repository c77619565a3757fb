package storage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/dgraph-io/badger/v4"
)

// The first byte of a key in the store directory. doc.go draws them.
const (
	keyBlock    = 'b'
	keyDelta    = 'd'
	keyMask     = 'm'
	keyLabel    = 'l'
	keySpace    = 's'
	keyClaims   = 'c'
	keyForward  = 'i'
	keyPage     = 'r'
	keyDocument = 'n'
	keyScratch  = 'x' // written and dropped to make Badger flush
	keyCursor   = 'z'
)

// maxValue bounds a value, so that none goes to Badger's value log, whose
// space comes back late.
const maxValue = 512 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func blockKey(class int, day Day, chunk int) []byte {
	k := dayPrefix(class, day)
	return binary.BigEndian.AppendUint32(k, uint32(chunk))
}

// dayPrefix is shared by all blocks of one retention class and day, which
// expire together.
func dayPrefix(class int, day Day) []byte {
	k := []byte{keyBlock}
	k = binary.BigEndian.AppendUint16(k, uint16(class))
	return binary.BigEndian.AppendUint32(k, uint32(day))
}

func parseBlockKey(k []byte) (class int, day Day, chunk int, part int) {
	return int(binary.BigEndian.Uint16(k[1:])), Day(binary.BigEndian.Uint32(k[3:])), int(binary.BigEndian.Uint32(k[7:])), int(k[11])
}

const blockKeySize = 12

func deltaPrefix(day Day) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyDelta}, uint32(day))
}

func deltaKey(day Day, seq uint64, part int) []byte {
	k := binary.BigEndian.AppendUint64(deltaPrefix(day), seq)
	return binary.BigEndian.AppendUint16(k, uint16(part))
}

func maskKey(chunk int) []byte { return binary.BigEndian.AppendUint32([]byte{keyMask}, uint32(chunk)) }

func labelKey(l Label) []byte { return binary.BigEndian.AppendUint32([]byte{keyLabel}, uint32(l)) }

func claimsKey(seq uint64, part int) []byte {
	k := binary.BigEndian.AppendUint64([]byte{keyClaims}, seq)
	return binary.BigEndian.AppendUint16(k, uint16(part))
}

func documentKey(id documentID) []byte {
	k := append([]byte{keyDocument, byte(len(id.kind))}, id.kind...)
	return append(k, id.name...)
}

func parseDocumentKey(k []byte) (documentID, error) {
	if len(k) < 2 || len(k) < 2+int(k[1]) {
		return documentID{}, fmt.Errorf("key %x: %w", k, ErrCorrupt)
	}
	return documentID{kind: string(k[2 : 2+k[1]]), name: string(k[2+k[1]:])}, nil
}

// checked appends a checksum to a value.
func checked(value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, crc32.Checksum(value, castagnoli))
}

// unchecked verifies and removes the checksum of a value.
func unchecked(value []byte) ([]byte, error) {
	end := len(value) - 4
	if end < 0 || crc32.Checksum(value[:end], castagnoli) != binary.LittleEndian.Uint32(value[end:]) {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	return value[:end], nil
}

func checkedJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return checked(text), nil
}

func uncheckedJSON(value []byte, v any) error {
	text, err := unchecked(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// eachValue calls fn for every key below prefix, in order. The slices are valid
// only during the call.
func eachValue(db *badger.DB, prefix []byte, fn func(key, value []byte) error) error {
	return db.View(func(txn *badger.Txn) error {
		options := badger.DefaultIteratorOptions
		options.Prefix = prefix
		it := txn.NewIterator(options)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if err := item.Value(func(value []byte) error { return fn(item.Key(), value) }); err != nil {
				return fmt.Errorf("read key %x: %w", item.Key(), err)
			}
		}
		return nil
	})
}
