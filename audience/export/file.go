package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// bufferSize is what is gathered before the device is asked to write, in bytes.
const bufferSize = 256 << 10

// File is an export being written. One goroutine uses it, and ends it with
// Commit or Abort; "defer f.Abort()" right after Create is always right.
type File struct {
	path   string
	format Format
	aside  *os.File // nil when it goes to standard output
	lines  io.WriteCloser
	buffer *bufio.Writer
	line   []byte
	closed bool
}

// Create begins a file of the format its name says, in a directory that exists.
// Until Commit only a hidden file beside it grows; a file of that name is
// replaced by Commit. Only the owner may read it: it holds names of people.
func Create(path string) (*File, error) {
	format, err := FormatOf(path)
	if err != nil {
		return nil, err
	}
	if path == Stdout {
		return begin(&File{path: "standard output", format: format}, os.Stdout)
	}
	if at, err := os.Stat(path); err == nil && !at.Mode().IsRegular() {
		return nil, fmt.Errorf("create export %s: not a regular file", path)
	}
	aside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("create export %s: %w: make the directory first", path, err)
		}
		return nil, fmt.Errorf("create export %s: %w", path, err)
	}
	f, err := begin(&File{path: path, format: format, aside: aside}, aside)
	if err != nil {
		return nil, errors.Join(err, aside.Close(), os.Remove(aside.Name()))
	}
	return f, nil
}

func begin(f *File, w io.Writer) (*File, error) {
	f.buffer = bufio.NewWriterSize(w, bufferSize)
	lines, err := f.format.compress(f.buffer)
	if err != nil {
		return nil, fmt.Errorf("create export %s: %w", f.path, err)
	}
	f.lines = lines
	if f.format.Lines == "csv" {
		if _, err := io.WriteString(lines, csvHeader); err != nil {
			return nil, fmt.Errorf("create export %s: %w", f.path, err)
		}
	}
	return f, nil
}

// Format is what the file's name asked for.
func (f *File) Format() Format { return f.format }

// Write adds one user. The name may be reused after the call.
func (f *File) Write(name []byte) error {
	if f.closed {
		return fmt.Errorf("write export %s: %w", f.path, ErrClosed)
	}
	line, err := f.format.appendLine(f.line[:0], name)
	if err != nil {
		return fmt.Errorf("write export %s: %w", f.path, err)
	}
	f.line = line
	if _, err := f.lines.Write(line); err != nil {
		return fmt.Errorf("write export %s: %w", f.path, err)
	}
	return nil
}

// Commit makes the file durable and gives it its name. After an error either
// what was there before is still there, or the new file is there whole but may
// not survive a power cut; never a part of it.
func (f *File) Commit() error {
	if f.closed {
		return fmt.Errorf("commit export %s: %w", f.path, ErrClosed)
	}
	err := f.finish()
	if err != nil {
		f.Abort()
		return fmt.Errorf("commit export %s: %w", f.path, err)
	}
	f.closed = true
	return nil
}

func (f *File) finish() error {
	if err := errors.Join(f.lines.Close(), f.buffer.Flush()); err != nil {
		return err
	}
	if f.aside == nil {
		return nil
	}
	if err := errors.Join(f.aside.Sync(), f.aside.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.aside.Name(), f.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

// Abort removes what was written; from standard output nothing can be taken
// back. After Commit it does nothing.
func (f *File) Abort() {
	if f.closed {
		return
	}
	f.closed = true
	if f.aside == nil {
		return
	}
	// What fails here leaves a hidden file at worst, and the caller is already
	// on the way out with the error that counts.
	f.lines.Close()
	f.aside.Close()
	os.Remove(f.aside.Name())
}

// syncDir makes a new name in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
