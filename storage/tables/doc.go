// Package tables reads the files of a closed Badger directory without opening
// it: every table, every version of every key, the write-ahead files, and what
// holds them together.
//
// Badger forgives. A table whose checksum fails is left out with a line in its
// own log, a damaged block ends an iteration as if there were no more keys, a
// manifest that is cut short loses its last changes and with them the files
// they speak of, and a compaction gives what it read a new checksum. Any of
// these is an answer that is silently wrong. So every byte is checked here
// before Badger sees it, and a directory that fails is not opened.
//
// The invariant: nothing here writes. The gotcha: a directory that a process
// has open changes under the reader. Check wants it closed, held by [Lock];
// Each tolerates files that vanish, and then shows less than all.
//
//	MANIFEST     which tables belong to it, at which level; records with CRC-32C
//	NNNNNN.sst   blocks of about 4 KiB, each with its CRC-32C; an index with
//	             its own; no byte between them
//	NNNNN.mem    write-ahead: entries with CRC-32C, each transaction ended by an
//	             entry of its own, then zeros
//	NNNNNN.vlog  values beyond 1 MB, which we never write: a header of 20 bytes
//	DISCARD      how much of those is garbage: zeros
//	KEYREGISTRY  keys of an encryption that is not used: 28 bytes
package tables
