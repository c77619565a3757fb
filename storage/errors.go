package storage

import "errors"

// The errors that callers tell apart with errors.Is.
var (
	// ErrFull means that free space on the device is below the reserve: nothing
	// is written until there is room again.
	ErrFull = errors.New("device is full up to its reserve")
	// ErrStopped means that the store acknowledges nothing any more: it was
	// closed, or a sync failed and only a restart can tell what is on disk.
	ErrStopped = errors.New("store has stopped")
	// ErrBadLabel means a label that may not be declared.
	ErrBadLabel = errors.New("bad label")
	// ErrCorrupt means bytes on disk that fail their checksum or their format.
	ErrCorrupt = errors.New("corrupt")
	// ErrStale means a view that outlived days it would have to read from disk;
	// a new one answers.
	ErrStale = errors.New("view is older than the days on disk")
	// ErrNoOrdinals means that all ordinals have been given out.
	ErrNoOrdinals = errors.New("no ordinal left")
	// ErrFuture means a day more than one day ahead of the clock.
	ErrFuture = errors.New("day lies in the future")
	// ErrLocked means that another process has the data directory open.
	ErrLocked = errors.New("data directory is in use by another process")
)
