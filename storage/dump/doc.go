// Package dump writes a whole store into a directory that its owner can read
// without Sosie, and reads it back into a new store.
//
// A dump is true of one sequence of the log: all of it comes from one
// [storage.Snapshot], taken in no time while the store goes on. It holds nothing
// of erased users but that they are, and no cookie: users are numbers. The claims
// of pending cookies are left out, since a restored store, being another epoch,
// accepts no pending cookie from before.
//
// # The directory
//
//	SHA256SUMS                  a sum for every file below: sha256sum -c SHA256SUMS
//	manifest.json               what this is a dump of, and what each file holds
//	labels.ndjson               {"number": 1, "name": "interest/tennis", "retention": 395, …}
//	documents.ndjson            {"kind": "segment", "name": "big-spenders", "value": …}
//	masks.tar                   erased.roaring, opted-out.roaring, robot.roaring
//	bitmaps/2026-11-24.tar      one for each day: interest/tennis.roaring, …
//	ids/000-crm.ndjson.zst      {"id": "customer-1", "user": 7, "day": "2026-11-24"}, in
//	                            ascending order of ids
//	keys.tar.age                the keys, only where the owner asked and gave a passphrase
//
// A .roaring file is a standard portable roaring bitmap of 32-bit users, without
// runs. A value that is no JSON, and an id that is not UTF-8, stand as
// value_base64 and id_base64. A label that is no clean path has its slashes
// written as %2F, in the way of URLs.
//
// The directory is written aside, as DIR.partial, and takes its name when all of
// it is on the device. Reading checks every sum before anything else; a file
// that fails refuses the dump as a whole.
//
// # Gotcha
//
// A dump names users by the numbers that cookies and pseudonyms seal. Without
// the keys they mean nothing to anybody else; with the keys the dump is the
// store. Keep the two apart.
package dump
