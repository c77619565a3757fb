package tables

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	walSuffix = ".mem"
	// headerSize is what precedes the entries: u64 number of a key for
	// encryption, then 12 bytes at random that only encryption reads.
	headerSize = 20
	// sector is what a device writes whole or not at all, at the least.
	sector = 512

	metaDeleted = 1 << 0
	metaInTxn   = 1 << 6
	metaEnd     = 1 << 7
)

// endKey is the key of the entry that ends a transaction.
var endKey = []byte("!badger!txn")

// wal is what a write-ahead file holds.
type wal struct {
	entries  int
	end      int // of the last whole transaction
	leftover int // bytes behind it that are not zero, up to the last of them
}

// checkWAL checks a write-ahead file. Badger reads it up to the first entry that
// fails, and forgets the rest: right after a write was cut off, wrong when a bit
// has flipped in the middle.
func checkWAL(data []byte) (wal, error) {
	if err := checkHeader(data); err != nil {
		return wal{}, err
	}
	w, err := walkWAL(data, func(Entry) error { return nil })
	if err != nil || w.leftover == 0 {
		return w, err
	}
	// What the process had still to write when it died is missing from the end;
	// what a power cut kept from the device is missing by whole sectors. A
	// transaction was written only after the one before it was on the device.
	rest := data[w.end : w.end+w.leftover]
	ends := 0
	for at := 0; ; {
		i := bytes.Index(rest[at:], endKey)
		if i < 0 {
			break
		}
		at += i
		const head = 5 // meta, user meta, and three lengths of a byte each
		if at >= head {
			if e, ok := parseEntry(rest[at-head:]); ok && e.meta&metaEnd != 0 {
				if ends++; ends > 1 || whole(data, w.end, w.end+at) {
					return w, fmt.Errorf("an entry at byte %d fails its checksum, and whole writes follow it", w.end)
				}
			}
		}
		at++
	}
	return w, nil
}

// whole reports whether no sector between two places is empty.
func whole(data []byte, from, to int) bool {
	for at := from / sector * sector; at < to; at += sector {
		if zero(data[at:min(at+sector, len(data))]) {
			return false
		}
	}
	return true
}

func checkHeader(data []byte) error {
	if len(data) < headerSize {
		return errors.New("it is cut short")
	}
	if binary.BigEndian.Uint64(data) != 0 {
		return errors.New("it names a key of an encryption that is not used")
	}
	return nil
}

// walEntry is an entry as it lies in a write-ahead file:
//
//	u8 meta, u8 user meta, uvarint key length, uvarint value length,
//	uvarint expiry, key, value, u32 CRC-32C big-endian of all before it
type walEntry struct {
	meta       byte
	key, value []byte
	size       int
}

// parseEntry reads the entry that b begins with; ok is false where there is
// none that passes its checksum.
func parseEntry(b []byte) (e walEntry, ok bool) {
	if len(b) < 2 {
		return e, false
	}
	at := 2
	var n [3]uint64
	for i := range n {
		v, used := binary.Uvarint(b[at:])
		if used <= 0 {
			return e, false
		}
		n[i], at = v, at+used
	}
	const most = 1 << 30 // so that sums do not overflow
	if n[0] == 0 || n[0] > most || n[1] > most || at+int(n[0])+int(n[1])+4 > len(b) {
		return e, false
	}
	key := b[at : at+int(n[0])]
	value := b[at+int(n[0]) : at+int(n[0])+int(n[1])]
	at += int(n[0]) + int(n[1])
	if crc32.Checksum(b[:at], castagnoli) != binary.BigEndian.Uint32(b[at:]) {
		return e, false
	}
	return walEntry{meta: b[0], key: key, value: value, size: at + 4}, true
}

// walkWAL calls fn for every entry of whole transactions.
func walkWAL(data []byte, fn func(Entry) error) (wal, error) {
	w := wal{end: headerSize}
	var pending []Entry
	for at := headerSize; at < len(data); {
		e, ok := parseEntry(data[at:])
		if !ok {
			break
		}
		at += e.size
		key, version, err := parseVersion(e.key)
		if err != nil {
			return w, err
		}
		w.entries++
		if e.meta&metaEnd == 0 {
			pending = append(pending, Entry{Key: key, Version: version, Deleted: e.meta&metaDeleted != 0, Value: e.value})
			if e.meta&metaInTxn != 0 {
				continue
			}
		}
		for _, p := range pending {
			if err := fn(p); err != nil {
				return w, err
			}
		}
		pending = pending[:0]
		w.end = at
	}
	w.leftover = len(bytes.TrimRight(data[w.end:], "\x00"))
	return w, nil
}
