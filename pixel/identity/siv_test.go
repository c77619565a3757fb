package identity

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

// FuzzSIV holds our AES-SIV against tink's, both ways, at every length that a
// token can have.
func FuzzSIV(f *testing.F) {
	for _, n := range []int{0, 1, 4, 8, 15, 16, 17, 20, 31, 32, 33, 48, 84} {
		f.Add(bytes.Repeat([]byte{7}, sivKeySize), bytes.Repeat([]byte{byte(n)}, n), []byte("u\x01"), n)
	}
	f.Fuzz(func(t *testing.T, key, plain, associated []byte, flip int) {
		key = append(key, make([]byte, sivKeySize)...)[:sivKeySize]
		plain = plain[:min(len(plain), pendingMax)]
		ours, err := newSIV(key)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := subtle.NewAESSIV(key)
		if err != nil {
			t.Fatal(err)
		}
		want, err := theirs.EncryptDeterministically(plain, associated)
		if err != nil {
			t.Fatal(err)
		}
		sealed := ours.seal(nil, plain, associated)
		if !bytes.Equal(sealed, want) {
			t.Fatalf("seal %x: %x, tink says %x", plain, sealed, want)
		}
		if got, ok := ours.open(bytes.Clone(sealed), associated); !ok || !bytes.Equal(got, plain) {
			t.Fatalf("open %x: %x, %v, want %x", sealed, got, ok, plain)
		}
		sealed[uint(flip)%uint(len(sealed))] ^= 1 << (uint(flip) % 8)
		if _, ok := ours.open(sealed, associated); ok {
			t.Fatalf("a flipped bit opens: %x", sealed)
		}
	})
}

func TestSIVRefusesKeysOfOtherSizes(t *testing.T) {
	for _, n := range []int{0, 32, 63, 65} {
		if _, err := newSIV(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
}

// TestDouble has the vectors of RFC 4493 section 4: K1 is double(L), K2 is
// double(K1).
func TestDouble(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"7df76b0c1ab899b33e42f047b91b546f", "fbeed618357133667c85e08f7236a8de"},
		{"fbeed618357133667c85e08f7236a8de", "f7ddac306ae266ccf90bc11ee46d513b"},
	} {
		var b [16]byte
		if _, err := hex.Decode(b[:], []byte(c.in)); err != nil {
			t.Fatal(err)
		}
		double(&b)
		if got := hex.EncodeToString(b[:]); got != c.want {
			t.Errorf("double %s: %s, want %s", c.in, got, c.want)
		}
	}
}
