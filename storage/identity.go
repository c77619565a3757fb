package storage

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// identity is the file that makes a directory a store: JSON whose last field is
// the CRC-32C, in hexadecimal digits, of the same JSON without it.
type identity struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Epoch   uint16    `json:"epoch"`
	Created time.Time `json:"created"`
	// Epochs are the lives after the first, for a store that was restored.
	Epochs []Epoch `json:"epochs,omitempty"`
	// Check is empty in stores of the first version.
	Check string `json:"check,omitempty"`
}

// encode writes the identity with its checksum.
func (about identity) encode() ([]byte, error) {
	about.Check = ""
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return nil, err
	}
	about.Check = fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli))
	if text, err = json.MarshalIndent(about, "", "  "); err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// readIdentity reads the identity of a store. The error is fs.ErrNotExist or
// ErrCorrupt: every byte counts, for a wrong epoch makes strangers of all users.
func readIdentity(dir string) (about identity, err error) {
	path := filepath.Join(dir, identityFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return about, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&about); err != nil {
		var version struct{ Format int }
		if json.Unmarshal(text, &version) == nil && version.Format > currentFormat {
			return about, unknownFormat(path, version.Format)
		}
		return about, fmt.Errorf("read %s: %w: %w", path, ErrCorrupt, err)
	}
	if about.Check != "" {
		if want, err := about.encode(); err != nil || !bytes.Equal(text, want) {
			return about, fmt.Errorf("read %s: %w: checksum differs", path, ErrCorrupt)
		}
	}
	if about.Format < firstFormat || about.Format > currentFormat {
		return about, unknownFormat(path, about.Format)
	}
	return about, nil
}

func unknownFormat(path string, format int) error {
	return fmt.Errorf("read %s: format %d is not known, this version reads up to %d: use the version that wrote it", path, format, currentFormat)
}

// identify reads the store's identity, or makes one up, which baptize writes
// when the store has proved to be new.
func (s *Store) identify() (fresh bool, err error) {
	s.about, err = readIdentity(s.options.Dir)
	if err == nil && s.about.Check == "" {
		err = s.about.write(s.options.Dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if _, err := os.Stat(filepath.Join(s.options.Dir, rebuildFile)); err == nil {
		return false, fmt.Errorf("read %s: %w: the store was being rebuilt when that was cut short: do it again in another directory", s.options.Dir, ErrCorrupt)
	}
	s.about = identity{Format: firstFormat, ID: s.options.ID, Epoch: 1, Created: s.clock().UTC()}
	if s.about.ID == "" {
		var id [8]byte
		rand.Read(id[:])
		s.about.ID = hex.EncodeToString(id[:])
	}
	return true, nil
}

// baptize writes the identity of a new store. It is the last thing that makes
// one, so that a directory with an identity must have all the rest.
func (s *Store) baptize(f *fold) error {
	if f.cursor != (cursor{}) || f.seq != 0 {
		return fmt.Errorf("read %s: %w: the file is missing, and the directory holds a store", filepath.Join(s.options.Dir, identityFile), ErrCorrupt)
	}
	return s.about.write(s.options.Dir)
}

func (about identity) write(dir string) error {
	text, err := about.encode()
	if err != nil {
		return err
	}
	return writeFileSynced(filepath.Join(dir, identityFile), text)
}
