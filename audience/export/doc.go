// Package export writes the users of a segment to a file, one name a user.
//
// Create picks the format from the file's name: .csv, .ndjson or .jsonl, alone
// or followed by .gz or .zst; "-" is CSV on standard output. A file is written
// aside and takes its name only on Commit, whole and durable, so that nobody
// ever reads half an export. Export walks a set and asks a Namer what each user
// is called outside; the ordinal itself never leaves.
//
// Gotcha: Export writes whatever set it is given. Narrow it first with
// audience.Permitted and permit.Export.
package export
