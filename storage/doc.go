// Package storage keeps what is known of users, durably, and answers from
// memory. It has three faces:
//
//   - the log: [Store.Append] returns when the records are on the device;
//   - the view: [Store.View] is the whole store at one moment, immutable, as
//     bitmaps by chunk, label and day;
//   - the ids: [Store.IDs] translates external ids to users and back.
//
// A [Snapshot] is all three at one sequence of the log; package dump takes it out
// of the house.
//
// All writes pass through the log, and all state is a fold of it: one goroutine
// reads the log, gathers events per chunk, and stores one new snapshot pointer
// a second. What it saves on disk only spares a restart the replay. Nothing
// outside package commitlog knows how a batch became durable, and nothing but
// the range of chunks knows which users live here: along these two seams the
// store can grow over several machines.
//
// A day is open while events come in: its bits are one block in memory, and
// small sorted deltas on disk, one a minute. After midnight it is sealed: one
// block per retention class and chunk on disk, and the deltas are dropped. The
// block of any time is derived from the sealed days in memory and never stored.
//
// # On disk
//
// The data directory holds store.json, which names the store, and two Badger
// directories, so that nothing that writes a lot holds up a hit. A store that was
// restored is of format 2 and names its epochs, see [Epoch]; [Rebuild] writes its
// store/ directory in one sorted pass, and store.json last:
//
//	store.json  {"format": 2, "id": "<id>", "epoch": 2, "created": "<RFC 3339>",
//	            "epochs": [{"number": 2, "mark": 9000, "start": 16842752}]}
//	log/    batches of records, drawn in package commitlog
//	store/  everything below; big-endian keys, values of at most 512 KiB
//
//	key                                          value
//	'b' class u16, day u32, chunk u32, part u8   a block (package block), cut in parts; the class
//	                                             is the retention in days of its labels
//	                                             (the top bit of part tells two copies apart;
//	                                             both are there only in mid-rewrite)
//	'd' day u32, sequence u64, part u16          a delta
//	'm' chunk u32                                sequence u64, a block whose labels are masks, CRC-32C;
//	                                             label 255: erased users of whom nothing is left
//	'l' label u32                                JSON of the label, CRC-32C
//	's'                                          JSON list of the id spaces' names, CRC-32C
//	'c' sequence u64, part u16                   per claim: nonce u64, ordinal u32, Unix seconds u32; CRC-32C
//	'i' space u8, external id                    per user: uvarint ordinal, uvarint day; CRC-32C
//	'r' space u8, ordinal>>8 u32                 per user: ordinal&255 u8, uvarint length, external id; CRC-32C
//	'n' length u8, kind, name                    a document's value, CRC-32C
//	'z'                                          JSON of the cursor, CRC-32C
//	'x'                                          nothing: written and dropped to make Badger flush
//
// store.json ends with a checksum of its own. A store is new only where neither
// it nor anything else is there: what is missing is never made anew.
//
// A delta is a version byte, 1, then per chunk: uvarint chunk, uvarint number
// of keys, and the uvarint distances between the sorted keys (a key is
// label<<16 | place in the chunk); CRC-32C.
//
// A record of the log is a kind byte and its fields; uvarints unless said
// otherwise:
//
//	1 hit      ordinal, day, number of labels, labels
//	2 claim    nonce u64 little-endian, ordinal, Unix seconds
//	3 lease    the ordinal below which all may have been given out
//	4 label    number, length, JSON
//	5 mask     mask u8, 1 in or 0 out u8, ordinal
//	6 space    number u8, length u8, name
//	7 id       space u8, length, external id, ordinal, day
//	8 horizon  day
//	9 document lengths of kind and name u8 each, kind, name, length, value; no value deletes it
//
// # Order on disk
//
// Deltas or blocks first, each synced; then the cursor alone; then the log is
// trimmed. A crash between any two replays part of the log, which changes
// nothing: bits of days are united, masks carry their sequence, ids and claims
// say the same again. Sealing writes the blocks, then drops the deltas.
//
// Opening checks every byte of the files first (package tables), because Badger
// answers without what it cannot read. So a flipped bit in a closed file stops
// the store instead of changing an answer; Diagnose says which, and what to do.
//
// # Erasure
//
// An erased user enters a mask, and from the batch that says so on no record of
// the user is folded, and no id names it. Blocks, deltas and claims are written
// without erased users by a purge, at midnight or when asked for; it ends with
// compacting both directories (package compact), so that no earlier version
// stays in a file, and is noted last, so that a crash does it again. Find looks
// for what is left.
package storage
