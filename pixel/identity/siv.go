package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// sivKeySize is the bytes of a key: one of AES-256 for the synthetic
// initialization vector, and one for the stream.
const sivKeySize = 64

// siv is AES-SIV, RFC 5297, with one string of associated data, on the standard
// library's AES. It is tink's construction, and tests hold it against tink; but
// tink expands its keys again for every token, which was a tenth of a hit.
type siv struct {
	mac, stream cipher.Block
	// whole and padded are the subkeys K1 and K2 of CMAC, RFC 4493.
	whole, padded [aes.BlockSize]byte
	// start is dbl(CMAC(0)), with which S2V begins.
	start [aes.BlockSize]byte
}

// sivWork is the memory of one token, so that it is allocated once: what is
// handed to a cipher.Block escapes.
type sivWork struct {
	sum, counter, pad [aes.BlockSize]byte
	text              [pendingMax]byte
}

func newSIV(key []byte) (*siv, error) {
	if len(key) != sivKeySize {
		return nil, fmt.Errorf("key of %d bytes, want %d", len(key), sivKeySize)
	}
	mac, err := aes.NewCipher(key[:sivKeySize/2])
	if err != nil {
		return nil, err
	}
	stream, err := aes.NewCipher(key[sivKeySize/2:])
	if err != nil {
		return nil, err
	}
	s := &siv{mac: mac, stream: stream}
	mac.Encrypt(s.whole[:], s.whole[:])
	double(&s.whole)
	s.padded = s.whole
	double(&s.padded)
	var zero [aes.BlockSize]byte
	s.cmac(&s.start, zero[:])
	double(&s.start)
	return s, nil
}

// seal appends the synthetic initialization vector and the encrypted bytes of a
// plaintext of at most pendingMax bytes to dst.
func (s *siv) seal(dst, plain, associated []byte) []byte {
	var w sivWork
	s.vector(&w, plain, associated)
	dst = append(dst, w.sum[:]...)
	n := len(dst)
	dst = append(dst, plain...)
	s.crypt(&w, dst[n:])
	return dst
}

// open decrypts what seal made, in place, and reports whether it is genuine.
func (s *siv) open(sealed, associated []byte) (plain []byte, ok bool) {
	var w sivWork
	vector, plain := sealed[:aes.BlockSize], sealed[aes.BlockSize:]
	w.sum = [aes.BlockSize]byte(vector)
	s.crypt(&w, plain)
	s.vector(&w, plain, associated)
	return plain, subtle.ConstantTimeCompare(w.sum[:], vector) == 1
}

// vector leaves S2V of the associated data and the plaintext in w.sum.
func (s *siv) vector(w *sivWork, plain, associated []byte) {
	w.sum = [aes.BlockSize]byte{}
	s.cmac(&w.sum, associated)
	subtle.XORBytes(w.pad[:], w.sum[:], s.start[:])
	w.sum = [aes.BlockSize]byte{}
	if len(plain) < aes.BlockSize {
		double(&w.pad)
		subtle.XORBytes(w.pad[:], w.pad[:], plain)
		w.pad[len(plain)] ^= 0x80
		s.cmac(&w.sum, w.pad[:])
		return
	}
	text := append(w.text[:0], plain...)
	end := text[len(text)-aes.BlockSize:]
	subtle.XORBytes(end, end, w.pad[:])
	s.cmac(&w.sum, text)
}

// cmac leaves the CMAC of a message in sum, which must be zero.
func (s *siv) cmac(sum *[aes.BlockSize]byte, message []byte) {
	for len(message) > aes.BlockSize {
		subtle.XORBytes(sum[:], sum[:], message[:aes.BlockSize])
		s.mac.Encrypt(sum[:], sum[:])
		message = message[aes.BlockSize:]
	}
	subtle.XORBytes(sum[:], sum[:], message)
	last := &s.whole
	if len(message) < aes.BlockSize {
		sum[len(message)] ^= 0x80
		last = &s.padded
	}
	subtle.XORBytes(sum[:], sum[:], last[:])
	s.mac.Encrypt(sum[:], sum[:])
}

// crypt encrypts or decrypts text in place, in counter mode from the vector in
// w.sum. Its bits 31 and 63 are cleared, so that only 31 bits ever count.
func (s *siv) crypt(w *sivWork, text []byte) {
	w.counter = w.sum
	w.counter[8] &= 0x7f
	w.counter[12] &= 0x7f
	for len(text) > 0 {
		s.stream.Encrypt(w.pad[:], w.counter[:])
		text = text[subtle.XORBytes(text, text, w.pad[:]):]
		binary.BigEndian.PutUint32(w.counter[12:], binary.BigEndian.Uint32(w.counter[12:])+1)
	}
}

// double multiplies by x in GF(2^128), RFC 5297 section 2.3, in constant time.
func double(b *[aes.BlockSize]byte) {
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	binary.BigEndian.PutUint64(b[:8], high<<1|low>>63)
	binary.BigEndian.PutUint64(b[8:], low<<1^-(high>>63)&0x87)
}
