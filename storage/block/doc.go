// Package block holds the one form in which Sosie keeps sets of users: a block
// is everything known of one chunk of 65,536 users on one day, all labels
// together, in one slice of bytes that never changes.
//
// Days, any time, what came in today, and the masks all have this form. Hot
// loops walk the payloads in place, into dense [Words] that stay in cache; the
// garbage collector sees two objects where a bitmap per label would be
// thousands.
//
//	0        u32  magic "SBK", then the version, 1
//	4        u32  n, labels present
//	8        u32  label[n]   strictly rising
//	8+4n     u32  off[n]     where the payload starts, in bytes
//	8+8n     u16  card[n]    users minus one; above 4,096 users: a bitmap
//	8+10n         zeros up to a multiple of 8
//	...      payloads, in order of label: first the bitmaps (1,024 u64 each),
//	         then the arrays (card × u16, strictly rising)
//	         zeros up to a multiple of 4
//	end      u32  CRC-32C of all before it
//
// All numbers are little-endian. A payload is, byte for byte, the container of
// a roaring bitmap without runs; the header that makes the containers of a label
// a portable one is written when they leave ([AppendPortable]), because at one
// container a label it would double the size of a sparse day.
//
// The bytes of a block are aligned to eight; a slice out of Badger is not, so
// [Decode] copies.
package block
