package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
)

func benchName(what string, n int) string { return fmt.Sprintf("%s=%d", what, n) }

func checksummed(body []byte) []byte {
	body = slices.Clone(body)
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

// zipfKeys draws n keys over 1,000 labels of falling frequency.
func zipfKeys(r *rand.Rand, n int) []Key {
	zipf := rand.NewZipf(r, 1.1, 1, 999)
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = MakeKey(uint32(zipf.Uint64()), uint16(r.IntN(Users)))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
