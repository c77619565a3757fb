package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sosie/bench/meter"
)

// logFolder and storeFolder are the two directories inside a data directory.
const (
	logFolder   = "log"
	storeFolder = "store"
)

// logApart puts a new store's log onto a file system without a device, so that
// the bytes this process writes to devices are those of the store directory
// alone. back moves the log to where it belongs; the store must be closed. Where
// the machine has no such file system, apart is false.
func logApart(dir string) (apart bool, back func() error, err error) {
	const memory = "/dev/shm"
	nothing := func() error { return nil }
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return false, nothing, nil
	}
	aside, err := os.MkdirTemp(memory, "sosie-bench-log-")
	if err != nil {
		return false, nothing, nil
	}
	link := filepath.Join(dir, logFolder)
	if err := os.Symlink(aside, link); err != nil {
		return false, nothing, errors.Join(fmt.Errorf("put log apart: %w", err), os.RemoveAll(aside))
	}
	back = func() error {
		defer os.RemoveAll(aside)
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("move log back: %w", err)
		}
		if err := os.CopyFS(link, os.DirFS(aside)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move log back: %w", err)
		}
		return nil
	}
	return true, back, nil
}

// onDisk returns the bytes that the log and the store directory occupy.
func onDisk(dir string) (log, store int64, err error) {
	if log, err = meter.Disk(filepath.Join(dir, logFolder)); err != nil {
		return 0, 0, err
	}
	store, err = meter.Disk(filepath.Join(dir, storeFolder))
	return log, store, err
}
