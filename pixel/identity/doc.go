// Package identity seals what Sosie lets out of the house: the cookie of a
// user, the pending cookie of a first hit, and the names partners know users
// by.
//
// # Invariant
//
// A token is authenticated encryption (AES-SIV) of a few numbers. Nobody
// without the keys can make one, read one, or tell how many users there are,
// and no token passes for another kind: kind, version and partner are the
// associated data. There is no table from token to user, the token is the index.
//
// AES-SIV is deterministic: the same contents under the same key give the same
// token, so a cookie is sent again only when its contents or its key change.
//
// # Bytes
//
// All numbers are little-endian. A token is one character for kind and version,
// then unpadded base64url of what the kind seals. Sealing adds 16 bytes in
// front, the synthetic initialization vector. The associated data of a token
// is its kind's character, the version as a byte (1), and for pseudonyms the
// partner's name. A later version gets another character, so a reader knows
// what it holds before it opens it.
//
//	user cookie   'u' + 32 characters: 8 bytes sealed to 24
//	0      4  u32  ordinal of the user
//	4      2  u16  epoch of the store that issued it
//	6      2  u16  day of birth, days since 1970-01-01
//
//	pending cookie   'n' + 48 to 134 characters: 20+4n bytes sealed to 36+4n
//	0      8  u64  nonce, random
//	8      4  u32  label of the site
//	12     4  u32  time of the hit, seconds since 1970-01-01
//	16     2  u16  epoch of the store
//	18     1  u8   consent decision: 0 refused, 1 collect
//	19     1  u8   n, number of labels, 0 to 16
//	20     4n u32  labels of the hit
//
//	pseudonym   'p' + 27 characters: 4 bytes sealed to 20
//	0      4  u32  ordinal of the user
//
// The key of a partner's pseudonyms is HKDF-SHA256 of the partners keyset with
// "sosie/partner/1/" and the partner's name as info, 64 bytes.
//
// # The keys directory
//
// It lies outside the data directory, mode 0700, each file mode 0600:
//
//	cookies.json   tink keyset, AES256-SIV without prefix, the oldest key first;
//	               the primary seals, all open
//	partners.json  tink keyset, HKDF-SHA256 PRF; never rotated by itself, since
//	               every name partners hold would change
//	store          id of the store the keys belong to; written last, so keys
//	               without it have never sealed anything
//	erasures.ndjson  one line per erasure, so that a store restored from an older
//	               dump forgets again: {"store": "<id>", "epoch": 1, "user": 7,
//	               "seq": 12, "at": "2026-11-24T13:05:06Z"}
//	epoch.json     the last epoch that a restore began, so that the next one is
//	               another: {"store": "<id>", "number": 2, "start": 16842752}
//
// # Lives
//
// A user cookie lives [Life] days from its birth, whatever the visits. A
// pending cookie lives [PendingLife], which is shorter than the 24 hours its
// claim is remembered: see [PendingCookie.Alive].
//
// # Gotcha
//
// Who holds this directory can name every user; who loses it makes every
// visitor a stranger. Back it up apart from the data.
package identity
