package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// Space is the number of an id space: whose ids these are.
type Space uint8

// maxSpaces is how many id spaces there can be.
const maxSpaces = 255

// pageUsers is the number of neighbouring users whose ids share one value. An
// export walks users in order; one value for each would take it 31 times as
// long and twice the room.
const pageUsers = 256

// IDs answers both ways: which users an external id means, and which id a user
// has in a space.
//
//	forward   'i', space u8, external id     →  per user: uvarint ordinal, uvarint day; u32 CRC-32C
//	pages     'r', space u8, ordinal>>8 u32  →  per user with an id: u8 ordinal&255,
//	                                            uvarint length, external id; u32 CRC-32C
type IDs struct {
	db *badger.DB

	mu    sync.RWMutex
	fresh map[string][]holder // folded, not yet written; by forward key
	pages map[uint64]map[uint8]string
}

// holder is a user that an external id names, and the day it last did.
type holder struct {
	user Ordinal
	day  Day
}

// idRecord is an id as the log brings it.
type idRecord struct {
	space    Space
	external string
	user     Ordinal
	day      Day
}

func forwardKey(space Space, external string) []byte {
	return append([]byte{keyForward, byte(space)}, external...)
}

func pageKey(space Space, page uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyPage, byte(space)}, page)
}

func pageName(space Space, page uint32) uint64 { return uint64(space)<<32 | uint64(page) }

// Lookup returns the user that an external id names, the one confirmed last
// when there are several, and the day it was.
func (ids *IDs) Lookup(space Space, external []byte) (u Ordinal, day Day, ok bool, err error) {
	holders, err := ids.holders(space, string(external))
	if err != nil {
		return 0, 0, false, fmt.Errorf("look up id: %w", err)
	}
	for _, h := range holders {
		if !ok || h.day >= day {
			u, day, ok = h.user, h.day, true
		}
	}
	return u, day, ok, nil
}

// Holders returns every user that an external id names, in no particular order.
func (ids *IDs) Holders(space Space, external []byte) ([]Ordinal, error) {
	holders, err := ids.holders(space, string(external))
	if err != nil {
		return nil, fmt.Errorf("look up id: %w", err)
	}
	users := make([]Ordinal, len(holders))
	for i, h := range holders {
		users[i] = h.user
	}
	return users, nil
}

func (ids *IDs) holders(space Space, external string) ([]holder, error) {
	key := forwardKey(space, external)
	ids.mu.RLock()
	holders, ok := ids.fresh[string(key)]
	ids.mu.RUnlock()
	if ok {
		return holders, nil
	}
	return ids.readHolders(key)
}

func (ids *IDs) readHolders(key []byte) (holders []holder, err error) {
	err = ids.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) error {
			body, err := unchecked(value)
			if err != nil {
				return err
			}
			r := reader{rest: body}
			for len(r.rest) > 0 && !r.bad {
				holders = append(holders, holder{user: r.ordinal(), day: r.day()})
			}
			if r.bad {
				return ErrCorrupt
			}
			return nil
		})
	})
	return holders, err
}

// Page calls fn with the external id of each user of a page, in ascending
// order: page n holds the users 256·n to 256·n+255. The id is valid only during
// the call.
func (ids *IDs) Page(space Space, page uint32, fn func(u Ordinal, external []byte) error) error {
	entries, err := ids.page(space, page)
	if err != nil {
		return fmt.Errorf("read ids of page %d: %w", page, err)
	}
	for _, e := range entries {
		if err := fn(Ordinal(page<<8|uint32(e.low)), e.external); err != nil {
			return err
		}
	}
	return nil
}

// pageEntry is one user of a page.
type pageEntry struct {
	low      uint8
	external []byte
}

func (ids *IDs) page(space Space, page uint32) ([]pageEntry, error) {
	var entries []pageEntry
	err := ids.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(pageKey(space, page))
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		entries, err = decodePage(value)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids.mu.RLock()
	defer ids.mu.RUnlock()
	fresh := ids.pages[pageName(space, page)]
	if len(fresh) == 0 {
		return entries, nil
	}
	return mergePage(entries, fresh), nil
}

func decodePage(value []byte) ([]pageEntry, error) {
	body, err := unchecked(value)
	if err != nil {
		return nil, err
	}
	entries := make([]pageEntry, 0, pageUsers)
	r := reader{rest: body}
	for len(r.rest) > 0 && !r.bad {
		low := r.byte()
		entries = append(entries, pageEntry{low: low, external: r.bytes(r.uvarint())})
	}
	if r.bad {
		return nil, ErrCorrupt
	}
	return entries, nil
}

func encodePage(entries []pageEntry) []byte {
	var value []byte
	for _, e := range entries {
		value = append(value, e.low)
		value = binary.AppendUvarint(value, uint64(len(e.external)))
		value = append(value, e.external...)
	}
	return checked(value)
}

// mergePage puts fresh ids over the ones of a page.
func mergePage(entries []pageEntry, fresh map[uint8]string) []pageEntry {
	merged := slices.DeleteFunc(slices.Clone(entries), func(e pageEntry) bool { _, ok := fresh[e.low]; return ok })
	for low, external := range fresh {
		merged = append(merged, pageEntry{low: low, external: []byte(external)})
	}
	slices.SortFunc(merged, func(a, b pageEntry) int { return cmp.Compare(a.low, b.low) })
	return merged
}

// remember makes a folded id visible until it is written.
func (ids *IDs) remember(r idRecord) {
	key := forwardKey(r.space, r.external)
	holders, _ := ids.holders(r.space, r.external) // a page that cannot be read fails when it is written
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.fresh[string(key)] = confirm(holders, r.user, r.day)
	name := pageName(r.space, uint32(r.user>>8))
	if ids.pages[name] == nil {
		ids.pages[name] = map[uint8]string{}
	}
	ids.pages[name][uint8(r.user)] = r.external
}

// confirm notes that a user was named on a day.
func confirm(holders []holder, u Ordinal, day Day) []holder {
	next := slices.Clone(holders)
	for i := range next {
		if next[i].user == u {
			next[i].day = max(next[i].day, day)
			return next
		}
	}
	return append(next, holder{user: u, day: day})
}

// saveIDs writes the ids folded since the last checkpoint: pages first, so that
// an id which replaces another takes the old one's forward entry along.
func (f *fold) saveIDs(uint64) error {
	if len(f.ids) == 0 {
		return nil
	}
	ids := f.s.ids
	ids.mu.RLock()
	names := make([]uint64, 0, len(ids.pages))
	for name := range ids.pages {
		names = append(names, name)
	}
	ids.mu.RUnlock()
	slices.Sort(names)
	batch := f.s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, name := range names {
		if err := f.savePage(batch, Space(name>>32), uint32(name)); err != nil {
			return err
		}
	}
	for key, holders := range ids.fresh { // only the fold writes to it
		if err := setHolders(batch, []byte(key), holders); err != nil {
			return err
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	f.ids = f.ids[:0]
	ids.mu.Lock()
	clear(ids.fresh)
	clear(ids.pages)
	ids.mu.Unlock()
	return nil
}

func setHolders(batch *badger.WriteBatch, key []byte, holders []holder) error {
	if len(holders) == 0 {
		return batch.Delete(key)
	}
	value := make([]byte, 0, 12)
	for _, h := range holders {
		value = binary.AppendUvarint(value, uint64(h.user))
		value = binary.AppendUvarint(value, uint64(uint32(h.day)))
	}
	return batch.Set(key, checked(value))
}

// savePage writes one page and takes the users of the ids it replaces out of
// their forward entries.
func (f *fold) savePage(batch *badger.WriteBatch, space Space, page uint32) error {
	ids := f.s.ids
	var old []pageEntry
	err := f.s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(pageKey(space, page))
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		old, err = decodePage(value)
		return err
	})
	if err != nil {
		return fmt.Errorf("read page %d: %w", page, err)
	}
	fresh := ids.pages[pageName(space, page)]
	for _, e := range old {
		external, ok := fresh[e.low]
		if !ok || bytes.Equal(e.external, []byte(external)) {
			continue
		}
		key := forwardKey(space, string(e.external))
		holders, ok := ids.fresh[string(key)]
		if !ok {
			if holders, err = ids.readHolders(key); err != nil {
				return fmt.Errorf("read id: %w", err)
			}
		}
		u := Ordinal(page<<8 | uint32(e.low))
		holders = slices.DeleteFunc(slices.Clone(holders), func(h holder) bool { return h.user == u })
		ids.mu.Lock()
		ids.fresh[string(key)] = holders
		ids.mu.Unlock()
	}
	return batch.Set(pageKey(space, page), encodePage(mergePage(old, fresh)))
}

// spaces numbers the id spaces.
type spaces struct {
	mu     sync.Mutex
	byName map[string]Space
	list   []string
}

func (s *spaces) add(number Space, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int(number) >= len(s.list) {
		s.list = append(s.list, "")
	}
	s.list[number] = name
	s.byName[name] = number
}

func (s *spaces) lookup(name string) (Space, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.byName[name]
	return n, ok
}

func (s *spaces) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// IDs is the store's third face: external ids.
func (s *Store) IDs() *IDs { return s.ids }

// LookupSpace returns the number of an id space that has been declared.
func (s *Store) LookupSpace(name string) (Space, bool) { return s.spaces.lookup(name) }

// Spaces returns the names of all id spaces in the order of their numbers.
func (s *Store) Spaces() []string { return s.spaces.names() }

// Space returns the number of an id space, declaring it durably when it is new.
// Names are those of labels.
func (s *Store) Space(name string) (Space, error) {
	if !ValidLabelName(name) {
		return 0, fmt.Errorf("declare id space %q: want [a-z0-9][a-z0-9_.:/-]{0,127}", name)
	}
	s.declaring.Lock()
	defer s.declaring.Unlock()
	if n, ok := s.spaces.lookup(name); ok {
		return n, nil
	}
	n := len(s.spaces.names())
	if n >= maxSpaces {
		return 0, fmt.Errorf("declare id space %s: there are %d already", name, n)
	}
	var r Records
	r.space(Space(n), name)
	if _, err := s.Append(&r); err != nil {
		return 0, fmt.Errorf("declare id space %s: %w", name, err)
	}
	s.spaces.add(Space(n), name)
	return Space(n), nil
}
