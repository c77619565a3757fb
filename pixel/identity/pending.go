package identity

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"sosie/storage"
)

// PendingLife is how long a pending cookie is accepted. The store remembers
// for 24 hours which user a nonce became; a pending cookie older than that
// could become a second user. An hour is left for the clock and for a hit that
// waits.
const PendingLife = 23 * time.Hour

// pendingAhead is how far a pending cookie may lie in the future, when the
// clock was set back since. It must stay under the hour PendingLife leaves.
const pendingAhead = 30 * time.Minute

// MaxPendingLabels is the most labels a pending cookie carries.
const MaxPendingLabels = 16

const (
	pendingHead = 20
	pendingMax  = pendingHead + 4*MaxPendingLabels
)

var pendingAssociated = []byte{kindPending, version}

// Decision is what the gate said of the hit that a pending cookie stands for.
type Decision uint8

// The decisions of the gate.
const (
	Refused Decision = 0
	Collect Decision = 1
)

// PendingCookie is what the cookie of a first hit seals: the hit, so that it
// can be recorded when the browser has shown that it keeps cookies.
type PendingCookie struct {
	// Nonce names the user to be. See NewNonce.
	Nonce uint64
	// Site is the label of the site of the hit.
	Site storage.Label
	// At is the time of the hit, kept in whole seconds.
	At time.Time
	// Epoch is the store's; labels of another epoch may mean something else.
	Epoch uint16
	// Decision is the gate's.
	Decision Decision
	// Labels are the first Count of the array.
	Labels [MaxPendingLabels]storage.Label
	Count  int
}

// NewNonce returns the nonce of a new pending cookie.
func NewNonce() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime stops the process instead
	return binary.LittleEndian.Uint64(b[:])
}

// Alive reports whether the cookie may still be claimed. Every accepted return
// then falls within 24 hours after the first one, the time a claim is
// remembered: the first is at most half an hour before At, the last less than
// 23 hours after it.
func (c *PendingCookie) Alive(now time.Time) bool {
	age := now.Sub(c.At)
	return age < PendingLife && age > -pendingAhead
}

// SealPending returns the value of a pending cookie. Labels beyond
// MaxPendingLabels do not exist in it.
func (k *Keys) SealPending(c *PendingCookie) string {
	var plain [pendingMax]byte
	binary.LittleEndian.PutUint64(plain[0:], c.Nonce)
	binary.LittleEndian.PutUint32(plain[8:], uint32(c.Site))
	binary.LittleEndian.PutUint32(plain[12:], uint32(c.At.Unix()))
	binary.LittleEndian.PutUint16(plain[16:], c.Epoch)
	plain[18] = byte(c.Decision)
	n := min(max(c.Count, 0), MaxPendingLabels)
	plain[19] = byte(n)
	for i, l := range c.Labels[:n] {
		binary.LittleEndian.PutUint32(plain[pendingHead+4*i:], uint32(l))
	}
	var room [1 + (overhead+pendingMax)*4/3 + 1]byte
	return string(k.cookies.Load().seal(room[:0], plain[:pendingHead+4*n], pendingAssociated))
}

// OpenPending opens the value of a pending cookie into c. It does not look at
// the cookie's life. The error is ErrForged, and c is then unchanged.
func (k *Keys) OpenPending(value []byte, c *PendingCookie) error {
	plain, _, err := k.cookies.Load().open(value, pendingAssociated)
	if err != nil {
		return err
	}
	// What our own keys sealed is well formed; a change of this layout must
	// not read beyond it all the same.
	if len(plain) < pendingHead || plain[19] > MaxPendingLabels || len(plain) != pendingHead+4*int(plain[19]) {
		return ErrForged
	}
	*c = PendingCookie{
		Nonce:    binary.LittleEndian.Uint64(plain[0:]),
		Site:     storage.Label(binary.LittleEndian.Uint32(plain[8:])),
		At:       time.Unix(int64(binary.LittleEndian.Uint32(plain[12:])), 0).UTC(),
		Epoch:    binary.LittleEndian.Uint16(plain[16:]),
		Decision: Decision(plain[18]),
		Count:    int(plain[19]),
	}
	for i := range c.Count {
		c.Labels[i] = storage.Label(binary.LittleEndian.Uint32(plain[pendingHead+4*i:]))
	}
	return nil
}
