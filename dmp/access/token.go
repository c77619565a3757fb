package access

import (
	"crypto/rand"
	"crypto/sha256"
)

// A token is the text
//
//	sosie_<role>_<32 characters of base62>
//
// whose last part is 190 random bits: nobody finds one by trying. The rest is for
// people, and for scanners that look for secrets in public text.
const (
	tokenPrefix = "sosie_"
	secretChars = 32
	idChars     = 10
	maxToken    = len(tokenPrefix) + len(Partner) + 1 + secretChars
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random returns characters of base62, each as likely as any other.
func random(n int) string {
	out := make([]byte, 0, n)
	var some [64]byte
	for {
		rand.Read(some[:]) // never fails: it would end the process
		for _, b := range some {
			if len(out) == n {
				return string(out)
			}
			if b < 4*62 { // above it some characters would be likelier
				out = append(out, base62[b%62])
			}
		}
	}
}

func newToken(r Role) string { return tokenPrefix + string(r) + "_" + random(secretChars) }

// sum is the SHA-256 of a token, which is all that is kept of it.
type sum [sha256.Size]byte

// sumOf hashes a token without an allocation. Nothing longer than a token is
// hashed.
func sumOf[T string | []byte](token T) (sum, bool) {
	var buf [maxToken]byte
	if len(token) > len(buf) {
		return sum{}, false
	}
	return sha256.Sum256(buf[:copy(buf[:], token)]), true
}
