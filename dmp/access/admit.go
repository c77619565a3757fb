package access

import (
	"errors"
	"net/netip"
	"time"
)

// RetryAfter is how long whoever was sent away for ErrTries or ErrRate is asked to
// wait.
const RetryAfter = 2 * time.Second

// Admit returns the grant of a token that comes from an address, or why it is sent
// away: ErrRefused, ErrTries or ErrRate. It allocates nothing for a right token.
//
// A right token is never shut out by the wrong ones of its address: behind one
// proxy others could keep it out, and at 190 bits no number of tries finds one.
func (k *Keyring) Admit(token string, from netip.Addr) (Grant, error) { return admit(k, token, from) }

// AdmitBytes is Admit of a token in a buffer that the caller uses again.
func (k *Keyring) AdmitBytes(token []byte, from netip.Addr) (Grant, error) {
	return admit(k, token, from)
}

func admit[T string | []byte](k *Keyring, token T, from netip.Addr) (Grant, error) {
	e := find(k, token)
	switch {
	case e == nil && k.tries.take(from):
		return Grant{}, ErrRefused
	case e == nil:
		return Grant{}, ErrTries
	case !e.rate.Allow():
		return Grant{}, ErrRate
	}
	return e.grant, nil
}

// Slow reports whether an error of Admit asks the caller to wait RetryAfter.
func Slow(err error) bool { return errors.Is(err, ErrTries) || errors.Is(err, ErrRate) }
