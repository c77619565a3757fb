package dmp

import (
	"errors"

	"sosie/dmp/intake"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrConfig means a configuration that cannot be used.
	ErrConfig = errors.New("bad configuration")
	// ErrExpression means a segment expression that cannot be read or that names
	// an unknown label; its text carries the caret line.
	ErrExpression = errors.New("bad expression")
	// ErrReadOnly means something that the configuration file says and that only it
	// can change.
	ErrReadOnly = errors.New("read-only")
	// ErrNoKeys means a store with users whose keys are gone.
	ErrNoKeys = errors.New("keys are missing")
	// ErrKeysInside means a directory of keys inside the data directory.
	ErrKeysInside = errors.New("keys beside their data")
	// ErrNoStore means keys whose store is gone.
	ErrNoStore = errors.New("store is missing")
	// ErrBusy means that another process holds the data directory and answers no
	// questions.
	ErrBusy = errors.New("data directory is held by another process that does not answer")
	// ErrNotRunning means that no server answers in the data directory.
	ErrNotRunning = errors.New("no server is running")
	// ErrCut means that a stream ended before it said it was complete.
	ErrCut = errors.New("the answer was cut off before its end")
	// ErrSegment means a saved segment that does not exist, or a name that cannot
	// be given.
	ErrSegment = errors.New("bad segment")
	// ErrPassphrase means a passphrase that is missing, too short, or not the one
	// that keys were dumped with.
	ErrPassphrase = errors.New("a passphrase is wanted")
	// ErrIDSpace means an id space that was never declared.
	ErrIDSpace = errors.New("unknown id space")
	// ErrUnknownUser means a name that means no user.
	ErrUnknownUser = errors.New("unknown user")
	// ErrSite means a site that is not in the configuration, or a page of none.
	ErrSite = errors.New("no such site")
	// ErrRequest means an import that was asked for in a way that cannot be.
	ErrRequest = intake.ErrRequest
	// ErrFile means an imported file that cannot be read to its end.
	ErrFile = intake.ErrInput
)

// Error is a failure an operator sees: what was done, to what, why it failed,
// and the way out.
type Error struct {
	Op     string // verb, such as "open"
	Object string // what it was done to, such as a directory
	Err    error  // cause
	Hint   string // the way out, a sentence; may be empty
}

// Error reads "operation object: cause". The hint is kept apart, for the front
// to show on its own line.
func (e *Error) Error() string {
	text := e.Op
	if e.Object != "" {
		text += " " + e.Object
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the first hint in err's chain, or nothing.
func Hint(err error) string {
	for e := (*Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Hint != "" {
			return e.Hint
		}
	}
	return ""
}

// caused is an error of a kind: it reads as the error alone, and is the kind
// for errors.Is.
type caused struct {
	error
	kind error
}

func (c caused) Unwrap() []error { return []error{c.error, c.kind} }
