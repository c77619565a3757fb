package tables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"

	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
)

// checkTable checks every byte of a table and returns its number of blocks.
//
//	blocks, then the index, u32 its length, its checksum, u32 length of that
//	a block: entries, u32 offset of each, u32 their number, checksum, u32 length of that
//
// The numbers are big-endian, the offsets little-endian. The blocks lie one
// behind the other, so that no byte is left out.
func checkTable(data []byte) (blocks int, err error) {
	// The index is read with code that trusts it; it is checked before, so only
	// a table that was written wrong could make that panic.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the index is not one: %v", r)
		}
	}()
	body, err := summed(data)
	if err != nil {
		return 0, fmt.Errorf("footer: %w", err)
	}
	if len(body) < 4 {
		return 0, errors.New("it is too short for an index")
	}
	end := len(body) - 4
	size := int64(binary.BigEndian.Uint32(body[end:]))
	if size > int64(end) {
		return 0, errors.New("the index is larger than the file")
	}
	start := end - int(size)
	raw := body[start:end]
	if err := verify(data, len(body), raw); err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	index := fb.GetRootAsTableIndex(raw, 0)
	at := int64(0)
	for i := range index.OffsetsLength() {
		var where fb.BlockOffset
		if !index.Offsets(&where, i) || int64(where.Offset()) != at || at+int64(where.Len()) > int64(start) {
			return 0, fmt.Errorf("block %d is out of place", i)
		}
		b := data[at : at+int64(where.Len())]
		inner, err := summed(b)
		if err == nil {
			err = verify(b, len(inner), inner)
		}
		if err != nil {
			return 0, fmt.Errorf("block %d at byte %d: %w", i, at, err)
		}
		at += int64(where.Len())
	}
	if at != int64(start) {
		return 0, fmt.Errorf("%d bytes are in no block", int64(start)-at)
	}
	return index.OffsetsLength(), nil
}

// summed returns what stands before the checksum at the end of b.
func summed(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errors.New("cut short")
	}
	end := len(b) - 4
	size := binary.BigEndian.Uint32(b[end:])
	if int64(size) > int64(end) {
		return nil, errors.New("the length of its checksum is wrong")
	}
	return b[:end-int(size)], nil
}

// verify compares the checksum that stands in b from a place on with that of
// body, byte by byte. It is a message of one field: 16, then the sum as a
// uvarint; a sum of zero is an empty one.
func verify(b []byte, from int, body []byte) error {
	var want []byte
	if sum := crc32.Checksum(body, castagnoli); sum != 0 {
		want = binary.AppendUvarint([]byte{2 << 3}, uint64(sum))
	}
	if string(b[from:len(b)-4]) != string(want) {
		return errors.New("checksum differs")
	}
	return nil
}

// eachInTable calls fn for every version of every key of a table.
func eachInTable(path string, fn func(Entry) error) (err error) {
	file, err := open(path)
	if err != nil {
		return err
	}
	_, err = checkTable(file.data)
	if err = errors.Join(err, file.close()); err != nil {
		return err // the code below panics on what is damaged
	}
	mf, err := z.OpenMmapFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	t, err := table.OpenTable(mf, table.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close(-1)) }()
	it := t.NewIterator(table.NOCACHE)
	for it.Rewind(); it.Valid(); it.Next() {
		v := it.Value()
		version := y.ParseTs(it.Key())
		if err := fn(Entry{Key: y.ParseKey(it.Key()), Version: version, Deleted: v.Meta&metaDeleted != 0, Value: v.Value}); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// parseVersion splits a key of a write-ahead file, which ends with its version
// counted backwards.
func parseVersion(key []byte) ([]byte, uint64, error) {
	if len(key) < 8 {
		return nil, 0, io.ErrUnexpectedEOF
	}
	end := len(key) - 8
	return key[:end], math.MaxUint64 - binary.BigEndian.Uint64(key[end:]), nil
}
