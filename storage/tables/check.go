package tables

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"
)

// ErrLocked means that a process has the directory open.
var ErrLocked = errors.New("directory is open in another process")

// Damage is a file that is not what was written.
type Damage struct {
	File string // path below the directory given to Check
	Err  error
	// Unused says that the damage lies where nothing is read: no answer depends
	// on it.
	Unused bool
}

// Error reads "file: cause".
func (d Damage) Error() string { return d.File + ": " + d.Err.Error() }

// Unwrap returns the cause.
func (d Damage) Unwrap() error { return d.Err }

// Summary says how much was checked.
type Summary struct {
	Files   int   `json:"files"`
	Bytes   int64 `json:"bytes"`
	Blocks  int   `json:"blocks"`  // of tables
	Entries int   `json:"entries"` // of write-ahead files
}

// Lock keeps other processes from opening a directory until release is called.
// It is the lock that Badger takes. The error is ErrLocked, or that of a
// directory that does not exist.
func Lock(dir string) (release func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w: %w", dir, ErrLocked, err), f.Close())
	}
	return f.Close, nil
}

// Check reads every file of a closed directory and returns what is damaged, in
// order of names. A directory that is missing or empty has no damage: whether
// it may be is the caller's to know. The error is one of reading.
func Check(dir string) (Summary, []Damage, error) {
	var sum Summary
	names, err := files(dir)
	if err != nil || len(names) == 0 {
		return sum, nil, err
	}
	var damages []Damage
	keep, cause := manifest(dir)
	if cause != nil {
		damages = append(damages, Damage{File: badger.ManifestFilename, Err: cause})
	}
	for id := range keep {
		if name := tableName(id); !slices.Contains(names, name) {
			damages = append(damages, Damage{File: name, Err: errors.New("the file is missing")})
		}
	}
	// Tables that the manifest does not name are left from a crash; Badger
	// removes them.
	names = slices.DeleteFunc(names, func(name string) bool {
		id, ok := tableID(name)
		return ok && keep != nil && !keep[id]
	})
	var mu sync.Mutex
	var wait sync.WaitGroup
	next := make(chan string)
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		wait.Go(func() {
			for name := range next {
				one, damage, readErr := checkFile(dir, name)
				mu.Lock()
				sum.Add(one)
				damages = append(damages, damage...)
				err = errors.Join(err, readErr)
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		next <- name
	}
	close(next)
	wait.Wait()
	slices.SortFunc(damages, func(a, b Damage) int { return strings.Compare(a.File, b.File) })
	return sum, damages, err
}

// Add adds the figures of another file or directory.
func (s *Summary) Add(o Summary) {
	s.Files += o.Files
	s.Bytes += o.Bytes
	s.Blocks += o.Blocks
	s.Entries += o.Entries
}

// files lists the names in a directory; a missing one has none.
func files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != "LOCK" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkFile checks one file by what its name says it is.
func checkFile(dir, name string) (sum Summary, damages []Damage, err error) {
	file, err := open(filepath.Join(dir, name))
	if err != nil {
		return sum, nil, err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	sum = Summary{Files: 1, Bytes: int64(len(file.data))}
	damaged := func(unused bool, cause error) {
		if cause != nil {
			damages = append(damages, Damage{File: name, Err: cause, Unused: unused})
		}
	}
	switch _, isTable := tableID(name); {
	case isTable:
		sum.Blocks, err = checkTable(file.data)
		damaged(false, err)
	case strings.HasSuffix(name, walSuffix):
		w, cause := checkWAL(file.data)
		sum.Entries = w.entries
		damaged(false, cause)
		if cause == nil && w.leftover > 0 {
			damaged(true, fmt.Errorf("%d bytes after the last whole write: one that was cut off and so never acknowledged, or flipped bits behind it", w.leftover))
		}
	case strings.HasSuffix(name, ".vlog"):
		damaged(false, checkHeader(file.data))
		if len(file.data) > headerSize && !zero(file.data[headerSize:]) {
			damaged(true, errors.New("it holds bytes, though no value is kept there"))
		}
	case name == "DISCARD":
		if !zero(file.data) {
			damaged(true, errors.New("it is not empty, though nothing is kept in value files"))
		}
	case name == "KEYREGISTRY":
		const iv, text = 16, "Hello Badger"
		if len(file.data) != iv+len(text) || string(file.data[iv:]) != text {
			damaged(false, errors.New("it is not that of a directory without encryption"))
		}
	}
	return sum, damages, nil
}

// zero reports whether all bytes are zero.
func zero(b []byte) bool {
	for len(b) >= len(zeros) {
		if string(b[:len(zeros)]) != zeros {
			return false
		}
		b = b[len(zeros):]
	}
	return string(b) == zeros[:len(b)]
}

var zeros = strings.Repeat("\x00", sector)

// mapped is a file mapped into memory for reading.
type mapped struct{ data []byte }

func open(path string) (mapped, error) {
	f, err := os.Open(path)
	if err != nil {
		return mapped{}, err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil || about.Size() == 0 {
		return mapped{}, err
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(about.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return mapped{}, fmt.Errorf("map %s: %w", path, err)
	}
	return mapped{data}, nil
}

func (m mapped) close() error {
	if m.data == nil {
		return nil
	}
	return unix.Munmap(m.data)
}
