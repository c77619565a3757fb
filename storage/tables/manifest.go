package tables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// manifest returns the tables that belong to a directory, nil where that cannot
// be told.
func manifest(dir string) (map[uint64]bool, error) {
	path := filepath.Join(dir, badger.ManifestFilename)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the file is missing, and without it Badger would remove every table")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, end, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := checkTail(text[end:]); err != nil {
		return nil, err
	}
	keep := make(map[uint64]bool, len(found.Tables))
	for id := range found.Tables {
		keep[id] = true
	}
	return keep, nil
}

// checkTail tells a record whose writing was cut off, which was never
// acknowledged, from one whose length has a flipped bit and so seems cut off:
// Badger forgets both, and removes the tables of the second.
//
//	u32 length, u32 CRC-32C, record; big-endian
func checkTail(tail []byte) error {
	const head = 8
	if len(tail) < head {
		return nil
	}
	claimed, crc := binary.BigEndian.Uint32(tail), binary.BigEndian.Uint32(tail[4:])
	for i := range 32 {
		n := uint64(claimed ^ 1<<i)
		if n <= uint64(len(tail)-head) && crc32.Checksum(tail[head:head+n], castagnoli) == crc {
			return fmt.Errorf("the length of a record has a flipped bit: %d instead of %d", claimed, n)
		}
	}
	return nil
}

const tableSuffix = ".sst"

func tableName(id uint64) string { return fmt.Sprintf("%06d%s", id, tableSuffix) }

func tableID(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, tableSuffix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	return id, err == nil
}
