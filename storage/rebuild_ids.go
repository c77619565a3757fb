package storage

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// idSpool turns ids that come in order of their names into both directions: the
// forward keys are written as they come; for the pages, which are in order of
// users, they go to files by ranges of users, each small enough to be sorted in
// memory.
//
// A file holds, per id: ordinal u32, length u16, external id. It lives as long as
// the space is written, so it has neither version nor checksum.
type idSpool struct {
	dir      string
	space    Space
	begun    bool
	external string
	holders  []holder
	files    map[int]*spoolFile
}

type spoolFile struct {
	*os.File
	w *bufio.Writer
}

// spoolChunks is the chunks of a spool file: a million users, about 60 MB of ids
// in memory when they are sorted.
const spoolChunks = 16

// ID writes an id of a space and a user it names. Spaces ascend, and the ids
// within them; users of the same id are neighbours.
func (r *Rebuild) ID(space Space, external []byte, u Ordinal, day Day) error {
	if int(space) >= len(r.about.Spaces) || len(external) == 0 || len(external) > MaxExternalID {
		return fmt.Errorf("write id of user %d: %w: %d bytes in space %d", u, ErrCorrupt, len(external), space)
	}
	if e := r.erased[u.Chunk()]; e != nil && e.Has(u.Low()) {
		return nil
	}
	s := &r.ids
	if !s.begun || space != s.space {
		if err := s.end(r); err != nil {
			return err
		}
		s.begun, s.space, s.external = true, space, ""
	}
	if string(external) != s.external {
		if err := s.forward(r); err != nil {
			return err
		}
		s.external = string(external)
	}
	s.holders = append(s.holders, holder{user: u, day: day})
	if err := s.spool(u, external); err != nil {
		return fmt.Errorf("spool id of user %d: %w", u, err)
	}
	return nil
}

// forward writes who the last id names.
func (s *idSpool) forward(r *Rebuild) error {
	if len(s.holders) == 0 {
		return nil
	}
	err := r.put(stream{kind: keyForward, of: int(s.space)}, forwardKey(s.space, s.external), encodeHolders(s.holders))
	s.holders = s.holders[:0]
	return err
}

func (s *idSpool) spool(u Ordinal, external []byte) error {
	part := u.Chunk() / spoolChunks
	f := s.files[part]
	if f == nil {
		if s.files == nil {
			s.files = map[int]*spoolFile{}
			if err := os.Mkdir(s.dir, 0o700); err != nil {
				return err
			}
		}
		file, err := os.OpenFile(filepath.Join(s.dir, fmt.Sprint(part)), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		f = &spoolFile{File: file, w: bufio.NewWriterSize(file, 64<<10)}
		s.files[part] = f
	}
	var head [6]byte
	binary.LittleEndian.PutUint32(head[:], uint32(u))
	binary.LittleEndian.PutUint16(head[4:], uint16(len(external)))
	if _, err := f.w.Write(head[:]); err != nil {
		return err
	}
	_, err := f.w.Write(external)
	return err
}

// end writes the pages of the space that was written last.
func (s *idSpool) end(r *Rebuild) error {
	if err := s.forward(r); err != nil {
		return err
	}
	r.done(stream{kind: keyForward, of: int(s.space)})
	pages := stream{kind: keyPage, of: int(s.space)}
	for _, part := range slices.Sorted(maps.Keys(s.files)) {
		if err := s.files[part].pages(func(page uint32, of idPage) error {
			return r.put(pages, pageKey(s.space, page), of.encode())
		}); err != nil {
			return fmt.Errorf("write ids of %s: %w", r.about.Spaces[s.space], err)
		}
	}
	r.done(pages)
	return s.close()
}

// close removes the files.
func (s *idSpool) close() error {
	var failed error
	for _, f := range s.files {
		failed = errors.Join(failed, f.Close())
	}
	s.files = nil
	return errors.Join(failed, os.RemoveAll(s.dir))
}

// pages calls fn with the pages of a file in ascending order.
func (f *spoolFile) pages(fn func(page uint32, of idPage) error) error {
	if err := f.w.Flush(); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	type entry struct {
		user Ordinal
		at   uint32 // of its id in text, behind a length of two bytes
	}
	var entries []entry
	for at := 0; at < len(text); {
		entries = append(entries, entry{Ordinal(binary.LittleEndian.Uint32(text[at:])), uint32(at + 4)})
		at += 6 + int(binary.LittleEndian.Uint16(text[at+4:]))
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.user, b.user) })
	for len(entries) > 0 {
		number, of := uint32(entries[0].user>>8), idPage{}
		for ; len(entries) > 0 && uint32(entries[0].user>>8) == number; entries = entries[1:] {
			e := entries[0]
			if _, twice := of[uint8(e.user)]; twice {
				return fmt.Errorf("%w: user %d has two ids", ErrCorrupt, e.user)
			}
			size := uint32(binary.LittleEndian.Uint16(text[e.at:]))
			of[uint8(e.user)] = string(text[e.at+2 : e.at+2+size])
		}
		if err := fn(number, of); err != nil {
			return err
		}
	}
	return nil
}
