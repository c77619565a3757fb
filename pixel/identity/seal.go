package identity

import (
	"encoding/base64"
	"slices"
)

// The kinds of token. The character is the first of the token.
const (
	kindUser      = 'u'
	kindPending   = 'n'
	kindPseudonym = 'p'
)

// version is the layout of all kinds. It is part of the associated data.
const version = 1

// overhead is what sealing adds to the plain bytes.
const overhead = 16

// encoding refuses stray bits in the last character, so that one token has one
// spelling.
var encoding = base64.RawURLEncoding.Strict()

// sealer seals with the newest of its keys and opens with any.
type sealer struct {
	keys []*siv // newest first
}

// seal appends the token of a kind to dst.
func (s *sealer) seal(dst, plain, associated []byte) []byte {
	var room [overhead + pendingMax]byte
	sealed := s.keys[0].seal(room[:0], plain, associated)
	dst = append(dst, associated[0])
	n := len(dst)
	dst = slices.Grow(dst, encoding.EncodedLen(len(sealed)))[:n+encoding.EncodedLen(len(sealed))]
	encoding.Encode(dst[n:], sealed)
	return dst
}

// open returns the plain bytes of a token, and whether an older key than the
// present one sealed it. The caller has checked the token's length.
func (s *sealer) open(token, associated []byte) (plain []byte, old bool, err error) {
	var room [overhead + pendingMax]byte
	if len(token) == 0 || token[0] != associated[0] || encoding.DecodedLen(len(token)-1) > len(room) {
		return nil, false, ErrForged
	}
	n, err := encoding.Decode(room[:], token[1:])
	// The decoder skips line breaks; a token has none.
	if err != nil || n != encoding.DecodedLen(len(token)-1) || n < overhead {
		return nil, false, ErrForged
	}
	for i, key := range s.keys {
		sealed := room // opened in place
		if plain, ok := key.open(sealed[:n], associated); ok {
			return plain, i > 0, nil
		}
	}
	return nil, false, ErrForged
}
