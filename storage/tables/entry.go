package tables

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Entry is one version of one key.
type Entry struct {
	File    string // path below the directory
	Key     []byte
	Version uint64
	Deleted bool // the version says that the key is gone
	Value   []byte
}

// Each calls fn for every version of every key in the directory, also of those
// that are deleted or replaced and wait to be compacted away. The slices are
// valid only during the call. Files that cannot be read whole are skipped and
// returned; files that vanish, because a process has the directory open, are
// not.
func Each(dir string, fn func(Entry) error) (skipped []Damage, err error) {
	names, err := files(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		var stop error // of fn, rather than of the file
		visit := func(e Entry) error {
			e.File = name
			stop = fn(e)
			return stop
		}
		switch _, isTable := tableID(name); {
		case isTable:
			err = eachInTable(path, visit)
		case strings.HasSuffix(name, walSuffix):
			err = eachInWAL(path, visit)
		}
		if stop != nil {
			return skipped, stop
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			skipped = append(skipped, Damage{File: name, Err: err})
		}
		err = nil
	}
	return skipped, nil
}

func eachInWAL(path string, fn func(Entry) error) (err error) {
	file, err := open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	if err := checkHeader(file.data); err != nil {
		return err
	}
	if _, err = walkWAL(file.data, fn); err != nil {
		return fmt.Errorf("read write-ahead file: %w", err)
	}
	return nil
}

// Contains reports whether the bytes occur in a file. Keys of a table share
// their beginnings with those before them, so bytes that are not found may
// still be spelt by one.
func Contains(path string, raw []byte) (found bool, err error) {
	file, err := open(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	return bytes.Contains(file.data, raw), nil
}
