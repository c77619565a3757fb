package storage

import (
	"hash/maphash"
	"testing"

	"sosie/storage/tables"
)

// FuzzValue gives whatever may lie in a damaged store to those who look at every
// value: they report, and do not panic.
func FuzzValue(f *testing.F) {
	f.Add(partKey(395, 20_000, 1, 0), []byte("SBK"))
	f.Add(deltaKey(20_000, 1, 0), checked([]byte{deltaVersion, 1, 1, 1}))
	f.Add(maskKey(1), checked(make([]byte, 9)))
	f.Add(claimsKey(1, 0), encodeClaims([]claimRow{{nonce: 1, user: 2, at: 3}}))
	f.Add(forwardKey(1, "x"), checked([]byte{1, 1}))
	f.Add(pageKey(1, 1), idPage{1: "x"}.encode())
	f.Add(documentKey(documentID{"a", "b"}), checked(nil))
	f.Add([]byte{keyLabel}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		in := inspector{n: map[byte]int{}, seed: maphash.MakeSeed(), labels: 1, users: 1}
		in.value(key, value)
		in.endBlock()
		look := finder{users: map[Ordinal]bool{65_537: true}, ids: map[string]bool{"i\x01x": true}, parts: map[string][]blockPart{}}
		look.look(tables.Entry{Key: key, Value: value})
		if err := look.lookAtParts(); err != nil {
			t.Error(err)
		}
	})
}
