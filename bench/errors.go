package bench

import "errors"

// The errors that callers tell apart with errors.Is.
var (
	// ErrDiffers means that two ways to the same answer disagreed: a wrong count
	// is never reported as a fast one.
	ErrDiffers = errors.New("answers differ")
	// ErrLost means that the server did not answer what it must.
	ErrLost = errors.New("requests were lost")
	// ErrOptions means options that cannot be run.
	ErrOptions = errors.New("bad options")
)
