package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sosie/storage/tables"
)

// Trace is a place on disk where a user still stands.
type Trace struct {
	// File is the file below the data directory.
	File string `json:"file"`
	// What says what of the user is there.
	What string `json:"what"`
	// Old says that the place is an earlier version, replaced or deleted, that
	// waits for compaction.
	Old bool `json:"old,omitempty"`
	// Mask says that it is the mask of the erased, which keeps the number of an
	// erased user, and nothing else, for good.
	Mask bool `json:"mask,omitempty"`
}

// Wanted says whom Find looks for: users by number, or by an external id. Users
// whom the id names, now or in an earlier version, are looked for as well.
type Wanted struct {
	Users []Ordinal
	// IDs are the ways to read one name as an id; the first whose space has been
	// declared is meant.
	IDs []WantedID
}

// WantedID is an external id in a space.
type WantedID struct{ Space, External string }

// Finding is where users stand.
type Finding struct {
	Users  []Ordinal `json:"users"`
	Traces []Trace   `json:"traces"`
	// Raw are the files in which the bytes of an external id occur, wherever.
	// Ids of less than six bytes occur by chance and are not searched for.
	Raw []string `json:"raw"`
	// Skipped are the files that could not be read: they may hide more.
	Skipped []string `json:"skipped"`
}

// minRaw is the shortest external id that is searched for as raw bytes.
const minRaw = 6

// Find opens every file of a data directory, and looks at every version of every
// key, and at every batch of the log. It works beside a process that has the
// directory open, but may then miss what moves meanwhile.
func Find(dir string, want Wanted) (Finding, error) {
	f := finder{dir: dir, users: map[Ordinal]bool{}, ids: map[string]bool{}, parts: map[string][]blockPart{}, found: Finding{Traces: []Trace{}, Raw: []string{}, Skipped: []string{}}}
	for _, u := range want.Users {
		f.users[u] = true
	}
	spaces, err := f.spaces()
	for i, id := range want.IDs {
		number := slices.Index(spaces, id.Space)
		if number >= 0 {
			f.ids[string(forwardKey(Space(number), id.External))] = true
		}
		if number >= 0 || i == len(want.IDs)-1 {
			f.raw = append(f.raw, []byte(id.External))
			break
		}
	}
	if err == nil {
		err = f.gather()
	}
	if err == nil {
		err = f.walk()
	}
	if err == nil {
		err = f.search()
	}
	if err != nil {
		return Finding{}, fmt.Errorf("find in %s: %w", dir, err)
	}
	for u := range f.users {
		f.found.Users = append(f.found.Users, u)
	}
	slices.Sort(f.found.Users)
	return f.found, nil
}

type finder struct {
	dir   string
	users map[Ordinal]bool
	ids   map[string]bool // forward keys
	raw   [][]byte
	found Finding
	// keys are those of the store directory that hold traces, in step with
	// found.Traces.
	keys  []versionedKey
	parts map[string][]blockPart // of blocks in several parts, by their first key
}

type versionedKey struct {
	key     string
	version uint64
}

// note adds a trace of a value of the store directory.
func (f *finder) note(e tables.Entry, what string, mask bool) {
	f.found.Traces = append(f.found.Traces, Trace{File: e.File, What: what, Mask: mask})
	f.keys = append(f.keys, versionedKey{string(e.Key), e.Version})
}

// each visits both directories.
func (f *finder) each(store func(tables.Entry) error, log func(tables.Entry) error) error {
	f.found.Skipped = f.found.Skipped[:0]
	for _, d := range []struct {
		name  string
		visit func(tables.Entry) error
	}{{storeDir, store}, {logDir, log}} {
		skipped, err := tables.Each(filepath.Join(f.dir, d.name), func(e tables.Entry) error {
			e.File = filepath.Join(d.name, e.File)
			return d.visit(e)
		})
		if err != nil {
			return err
		}
		for _, s := range skipped {
			f.found.Skipped = append(f.found.Skipped, filepath.Join(d.name, s.Error()))
		}
	}
	return nil
}

// spaces returns the names of the id spaces, of their newest version or of the
// log.
func (f *finder) spaces() (names []string, err error) {
	var version uint64
	scan := scanner{named: func(number Space, name string) {
		for int(number) >= len(names) {
			names = append(names, "")
		}
		names[number] = name
	}}
	err = f.each(func(e tables.Entry) error {
		if len(e.Key) == 1 && e.Key[0] == keySpace && e.Version >= version {
			version = e.Version
			return uncheckedJSON(e.Value, &names)
		}
		return nil
	}, scan.batch)
	return names, err
}

// gather finds the users whom the ids name in any version.
func (f *finder) gather() error {
	scan := scanner{known: func(space Space, external []byte, u Ordinal) {
		if f.ids[string(forwardKey(space, string(external)))] {
			f.users[u] = true
		}
	}}
	return f.each(func(e tables.Entry) error {
		if !f.ids[string(e.Key)] || e.Deleted {
			return nil
		}
		holders, err := decodeHolders(e.Value)
		for _, h := range holders {
			f.users[h.user] = true
		}
		return err
	}, scan.batch)
}

// walk notes every place that holds one of the users or ids.
func (f *finder) walk() error {
	err := f.each(func(e tables.Entry) error {
		what, mask, err := f.look(e)
		if err != nil {
			what = fmt.Sprintf("a value that cannot be read: %v", err)
		}
		if what != "" {
			f.note(e, what, mask)
		}
		return nil
	}, func(tables.Entry) error { return nil })
	if err == nil {
		err = f.lookAtParts()
	}
	if err == nil {
		err = f.age()
	}
	if err != nil {
		return err
	}
	return f.each(func(tables.Entry) error { return nil }, f.walkLog)
}

// age says of which traces there is a newer version.
func (f *finder) age() error {
	newest := map[string]uint64{}
	for _, k := range f.keys {
		newest[k.key] = k.version
	}
	err := f.each(func(e tables.Entry) error {
		if v, ok := newest[string(e.Key)]; ok {
			newest[string(e.Key)] = max(v, e.Version)
		}
		return nil
	}, func(tables.Entry) error { return nil })
	for i, k := range f.keys {
		f.found.Traces[i].Old = newest[k.key] > k.version
	}
	return err
}

// walkLog notes a batch of the log that speaks of the users.
func (f *finder) walkLog(e tables.Entry) error {
	var kinds []string
	note := func(kind string, u Ordinal) {
		if f.users[u] && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	scan := scanner{user: note, known: func(space Space, external []byte, u Ordinal) {
		if f.ids[string(forwardKey(space, string(external)))] {
			f.users[u] = true
		}
		note("id", u)
	}}
	if err := scan.batch(e); err != nil {
		kinds = append(kinds, err.Error())
	}
	if len(kinds) > 0 {
		f.found.Traces = append(f.found.Traces, Trace{File: e.File, What: fmt.Sprintf("batch %d of the log: %s", binary.BigEndian.Uint64(e.Key), strings.Join(kinds, ", "))})
	}
	return nil
}

// search looks for the bytes of the ids in every file, whatever it is.
func (f *finder) search() error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		for _, raw := range f.raw {
			if len(raw) < minRaw {
				continue
			}
			found, err := tables.Contains(path, raw)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if found {
				name, _ := filepath.Rel(f.dir, path)
				f.found.Raw = append(f.found.Raw, name)
				break
			}
		}
		return nil
	})
}
