package identity

import "errors"

// The errors that callers tell apart with errors.Is.
var (
	// ErrNoKeys means that a directory holds no keys, or not all of them.
	ErrNoKeys = errors.New("no keys")
	// ErrWrongStore means keys that belong to another store.
	ErrWrongStore = errors.New("keys of another store")
	// ErrKeysExist means that keys would have been overwritten.
	ErrKeysExist = errors.New("keys exist already")
	// ErrExposed means key files that other accounts of the machine can read.
	ErrExposed = errors.New("keys readable by others")
	// ErrForged means a token that no key opens as the kind asked for.
	ErrForged = errors.New("token does not open")
	// ErrJournal means a journal of erasures that cannot be read.
	ErrJournal = errors.New("journal of erasures is damaged")
	// ErrPassphrase means a passphrase that is too short, or not the one that the
	// keys were backed up with.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrBadPartner means a partner's name that cannot be used.
	ErrBadPartner = errors.New("bad partner name")
)
