// Package floor holds what the benchmarks compare against: the least that any
// program would have to do for the same result.
//
// A floor must do the same work: by-hand bitmaps answer the same question with
// an equal number, a raw flush writes the same bytes into the same directory.
package floor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Flusher appends to a file and flushes it, with nothing around it.
type Flusher struct {
	file *os.File
	buf  []byte
}

// NewFlusher prepares a file in dir whose appends are size bytes each. The file
// is zero-filled beforehand for the given number of appends, so that a flush
// has no metadata to write: the least there is.
func NewFlusher(dir string, size, appends int) (*Flusher, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return nil, fmt.Errorf("prepare flushes: %w", err)
	}
	fl := &Flusher{file: f, buf: make([]byte, size)}
	for range appends {
		if _, err := f.Write(fl.buf); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare flushes: %w", err), f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare flushes: %w", err), f.Close())
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare flushes: %w", err), f.Close())
	}
	for i := range fl.buf {
		fl.buf[i] = byte(i*7 + 1)
	}
	return fl, nil
}

// Flush writes one append and flushes it, and returns how long that took.
func (f *Flusher) Flush() (time.Duration, error) {
	start := time.Now()
	if _, err := f.file.Write(f.buf); err != nil {
		return 0, fmt.Errorf("flush: %w", err)
	}
	if err := fdatasync(f.file); err != nil {
		return 0, fmt.Errorf("flush: %w", err)
	}
	return time.Since(start), nil
}

// Close removes the file.
func (f *Flusher) Close() error { return errors.Join(f.file.Close(), os.Remove(f.file.Name())) }
