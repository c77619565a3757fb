package identity

import (
	"encoding/binary"

	"sosie/storage"
)

// Life is how long a user cookie lives from its birth, in days: thirteen
// months. Visits do not extend it.
const Life = 396

const (
	userPlain = 8
	userToken = 33 // characters
)

var userAssociated = []byte{kindUser, version}

// UserCookie is what the cookie of a known user seals.
type UserCookie struct {
	Ordinal storage.Ordinal
	// Epoch is the store's when the cookie was sealed.
	Epoch uint16
	// Born is the day the user was first recorded, 1970-01-01 to 2149-06-06.
	Born storage.Day
}

// Alive reports whether the cookie is within its life on a day. One born more
// than a day ahead is not: it was sealed under a wrong clock.
func (c UserCookie) Alive(on storage.Day) bool { return on < c.End() && c.Born <= on+1 }

// End is the first day on which the cookie counts as none.
func (c UserCookie) End() storage.Day { return c.Born + Life }

// SealUser returns the value of a user's cookie.
func (k *Keys) SealUser(c UserCookie) string {
	var plain [userPlain]byte
	binary.LittleEndian.PutUint32(plain[0:], uint32(c.Ordinal))
	binary.LittleEndian.PutUint16(plain[4:], c.Epoch)
	binary.LittleEndian.PutUint16(plain[6:], uint16(c.Born))
	var room [userToken]byte
	return string(k.cookies.Load().seal(room[:0], plain[:], userAssociated))
}

// OpenUser opens the value of a user's cookie. old says that an earlier key
// sealed it: the caller sends it sealed anew. It does not look at the cookie's
// life. The error is ErrForged.
func (k *Keys) OpenUser(value []byte) (c UserCookie, old bool, err error) {
	if len(value) != userToken {
		return c, false, ErrForged
	}
	plain, old, err := k.cookies.Load().open(value, userAssociated)
	if err != nil {
		return c, false, err
	}
	return UserCookie{
		Ordinal: storage.Ordinal(binary.LittleEndian.Uint32(plain[0:])),
		Epoch:   binary.LittleEndian.Uint16(plain[4:]),
		Born:    storage.Day(binary.LittleEndian.Uint16(plain[6:])),
	}, old, nil
}
