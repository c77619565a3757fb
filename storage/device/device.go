// Package device asks the file system two things: how much room is left, and
// how much the files of a directory really take.
//
// Badger preallocates sparse files, so a file's length says nothing; blocks do.
package device

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free returns the bytes that a user without privileges may still write on the
// device that holds path.
func Free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("ask free space of %s: %w", path, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// Used returns the bytes that all files below dir take on the device. Files
// that vanish meanwhile count as nothing.
func Used(dir string) (int64, error) {
	var used int64
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		used += s.Blocks * 512 // st_blocks counts in units of 512 bytes
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	return used, nil
}
