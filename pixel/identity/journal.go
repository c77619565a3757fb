package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sosie/storage"
)

// Erasure is one line of the journal of erasures: a store restored from a dump
// older than it applies it again.
type Erasure struct {
	// Store is the id of the store that erased.
	Store string `json:"store"`
	// Epoch is the store's at the time.
	Epoch uint16 `json:"epoch"`
	// User was erased.
	User storage.Ordinal `json:"user"`
	// Seq is the log sequence of the erasure, within the epoch.
	Seq uint64 `json:"seq"`
	// At is when the user was erased.
	At time.Time `json:"at"`
}

// journalFile holds one JSON line per erasure. It lies beside the keys, because
// it must outlive the data that the erased were taken out of.
const journalFile = "erasures.ndjson"

// appending lets one AppendErasure write at a time.
var appending sync.Mutex

// AppendErasure adds erasures to the journal in a directory of keys, all in one
// write, which is on the device when it returns. After an error some of them may
// be there: journalling an erasure twice changes nothing.
func AppendErasure(dir string, erasures ...Erasure) error {
	var lines []byte
	for _, e := range erasures {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("journal erasure of user %d: %w", e.User, err)
		}
		lines = append(append(lines, line...), '\n')
	}
	appending.Lock()
	defer appending.Unlock()
	path := filepath.Join(dir, journalFile)
	if err := appendLines(path, lines); err != nil {
		return fmt.Errorf("journal erasures %s: %w", path, err)
	}
	return nil
}

// appendLines adds whole lines to a file, in place of a last one without an end:
// a crash tore it, and nobody was told that it was written.
func appendLines(path string, lines []byte) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	whole, err := wholeLines(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(whole); err != nil {
		return err
	}
	if _, err := file.WriteAt(lines, whole); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if whole > 0 {
		return nil
	}
	return syncDir(filepath.Dir(path)) // the file may be new
}

// wholeLines returns where the last line that has an end ends.
func wholeLines(file *os.File) (end int64, err error) {
	end, err = file.Seek(0, io.SeekEnd)
	var last [1]byte
	for ; err == nil && end > 0; end-- {
		if _, err = file.ReadAt(last[:], end-1); err == nil && last[0] == '\n' {
			return end, nil
		}
	}
	return end, err
}

// Erasures returns what the journal in a directory of keys holds, oldest first;
// a directory without a journal has none. A last line without an end was torn by
// a crash before AppendErasure returned, and is left out. The error is
// ErrJournal for any other line that is not an erasure.
func Erasures(dir string) ([]Erasure, error) {
	path := filepath.Join(dir, journalFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	var out []Erasure
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole {
			return out, nil
		}
		e, err := parseErasure(line)
		if err != nil {
			return nil, fmt.Errorf("read erasures %s: %w: line %d: %w: restore the file from its backup", path, ErrJournal, number, err)
		}
		out, text = append(out, e), rest
	}
}

// parseErasure reads one line; every field must be there.
func parseErasure(line []byte) (e Erasure, err error) {
	var read struct {
		Store *string          `json:"store"`
		Epoch *uint16          `json:"epoch"`
		User  *storage.Ordinal `json:"user"`
		Seq   *uint64          `json:"seq"`
		At    *time.Time       `json:"at"`
	}
	if err := json.Unmarshal(line, &read); err != nil {
		return e, err
	}
	if read.Store == nil || read.Epoch == nil || read.User == nil || read.Seq == nil || read.At == nil {
		return e, errors.New("a field is missing")
	}
	return Erasure{Store: *read.Store, Epoch: *read.Epoch, User: *read.User, Seq: *read.Seq, At: *read.At}, nil
}
