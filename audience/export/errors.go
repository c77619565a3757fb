package export

import "errors"

// The errors that callers tell apart with errors.Is.
var (
	// ErrFormat means a file name that names no format.
	ErrFormat = errors.New("unknown format")
	// ErrClosed means a file that was already committed or aborted.
	ErrClosed = errors.New("export is closed")
	// ErrName means a name that the format cannot carry unchanged.
	ErrName = errors.New("name does not fit the format")
)
