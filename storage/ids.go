package storage

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	pages map[uint64]idPage
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
	f := newest(holders)
	return f.User, f.Day, f.OK, nil
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

// Found is what LookupAll knows of one external id.
type Found struct {
	// User and Day are as Lookup returns them.
	User Ordinal
	Day  Day
	// OK is false when no user has the id.
	OK bool
}

// LookupAll is Lookup for many ids at once, at half the cost of one by one. It
// answers in the order of the ids, which may repeat, and keeps to a pace.
func (ids *IDs) LookupAll(space Space, externals []string, pace *Pace) ([]Found, error) {
	found := make([]Found, len(externals))
	var unread []int
	var key []byte
	ids.mu.RLock()
	for i, external := range externals {
		key = append(append(key[:0], keyForward, byte(space)), external...)
		if holders, ok := ids.fresh[string(key)]; ok {
			found[i] = newest(holders)
		} else {
			unread = append(unread, i)
		}
	}
	ids.mu.RUnlock()
	slices.SortFunc(unread, func(a, b int) int { return strings.Compare(externals[a], externals[b]) })
	err := ids.db.View(func(txn *badger.Txn) error {
		for _, i := range unread {
			holders, err := readHolders(txn, forwardKey(space, externals[i]))
			if err != nil {
				return err
			}
			found[i] = newest(holders)
			pace.Step()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d ids: %w", len(externals), err)
	}
	return found, nil
}

// newest picks the user whom an id named last.
func newest(holders []holder) (f Found) {
	for _, h := range holders {
		if !f.OK || h.day >= f.Day {
			f = Found{User: h.user, Day: h.day, OK: true}
		}
	}
	return f
}

func (ids *IDs) holders(space Space, external string) (holders []holder, err error) {
	key := forwardKey(space, external)
	ids.mu.RLock()
	holders, ok := ids.fresh[string(key)]
	ids.mu.RUnlock()
	if ok {
		return holders, nil
	}
	err = ids.db.View(func(txn *badger.Txn) error {
		holders, err = readHolders(txn, key)
		return err
	})
	return holders, err
}

// readHolders reads who has an id on disk: nobody when there is no such key.
func readHolders(txn *badger.Txn, key []byte) (holders []holder, err error) {
	item, err := txn.Get(key)
	if err == badger.ErrKeyNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = item.Value(func(value []byte) error {
		holders, err = decodeHolders(value)
		return err
	})
	return holders, err
}

// decodeHolders reads the value of a forward key.
func decodeHolders(value []byte) (holders []holder, err error) {
	body, err := unchecked(value)
	if err != nil {
		return nil, err
	}
	r := reader{rest: body}
	for len(r.rest) > 0 && !r.bad {
		holders = append(holders, holder{user: r.ordinal(), day: r.day()})
	}
	if r.bad {
		return nil, ErrCorrupt
	}
	return holders, nil
}

// Page calls fn with the external id of each user of a page, in ascending
// order: page n holds the users 256·n to 256·n+255.
func (ids *IDs) Page(space Space, page uint32, fn func(u Ordinal, external []byte) error) error {
	ids.mu.RLock()
	fresh, ok := ids.pages[pageName(space, page)]
	entries := maps.Clone(fresh)
	ids.mu.RUnlock()
	if !ok { // not in memory, so what is on disk is whole
		var err error
		if entries, err = ids.readPage(space, page); err != nil {
			return fmt.Errorf("read ids of page %d: %w", page, err)
		}
	}
	for low := range pageUsers {
		if external, ok := entries[uint8(low)]; ok {
			if err := fn(Ordinal(page<<8|uint32(low)), []byte(external)); err != nil {
				return err
			}
		}
	}
	return nil
}

// idPage is a page in memory: the external id of each user by ordinal&255.
type idPage map[uint8]string

// readPage reads a page from disk; a missing one is empty.
func (ids *IDs) readPage(space Space, page uint32) (entries idPage, err error) {
	entries = idPage{}
	err = ids.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(pageKey(space, page))
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) error {
			entries, err = decodePage(value)
			return err
		})
	})
	return entries, err
}

// decodePage reads the value of a page.
func decodePage(value []byte) (idPage, error) {
	body, err := unchecked(value)
	if err != nil {
		return nil, err
	}
	entries := idPage{}
	r := reader{rest: body}
	for len(r.rest) > 0 && !r.bad {
		entries[r.byte()] = string(r.bytes(r.uvarint()))
	}
	if r.bad {
		return nil, ErrCorrupt
	}
	return entries, nil
}

// encode writes a page in ascending order of users.
func (p idPage) encode() []byte {
	var value []byte
	for low := range pageUsers {
		if external, ok := p[uint8(low)]; ok {
			value = append(value, byte(low))
			value = binary.AppendUvarint(value, uint64(len(external)))
			value = append(value, external...)
		}
	}
	return checked(value)
}

// remember makes a folded id visible until it is written. An id that the user
// had before names it no more.
func (ids *IDs) remember(r idRecord) error {
	name := pageName(r.space, uint32(r.user>>8))
	page, ok := ids.pages[name] // only the fold writes to the maps
	if !ok {
		var err error
		if page, err = ids.readPage(r.space, uint32(r.user>>8)); err != nil {
			return err
		}
	}
	holders, err := ids.holders(r.space, r.external)
	if err != nil {
		return err
	}
	before, had := page[uint8(r.user)]
	var others []holder
	if had = had && before != r.external; had {
		if others, err = ids.holders(r.space, before); err != nil {
			return err
		}
		others = slices.DeleteFunc(slices.Clone(others), func(h holder) bool { return h.user == r.user })
	}
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.pages[name] = page
	page[uint8(r.user)] = r.external
	ids.fresh[string(forwardKey(r.space, r.external))] = confirm(holders, r.user, r.day)
	if had {
		ids.fresh[string(forwardKey(r.space, before))] = others
	}
	return nil
}

// forget takes the id of an erased user out, until it is written.
func (ids *IDs) forget(space Space, u Ordinal) error {
	name := pageName(space, uint32(u>>8))
	page, known := ids.pages[name]
	if !known {
		var err error
		if page, err = ids.readPage(space, uint32(u>>8)); err != nil {
			return err
		}
	}
	external, ok := page[uint8(u)]
	if !ok {
		return nil
	}
	holders, err := ids.holders(space, external)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(holders), func(h holder) bool { return h.user == u })
	ids.mu.Lock()
	defer ids.mu.Unlock()
	delete(page, uint8(u))
	ids.pages[name] = page
	ids.fresh[string(forwardKey(space, external))] = others
	return nil
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

// saveIDs writes the ids folded since the last checkpoint, in order of key.
func (f *fold) saveIDs(uint64) error {
	ids := f.s.ids
	if len(ids.pages) == 0 {
		return nil
	}
	batch := f.s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range slices.Sorted(maps.Keys(ids.fresh)) {
		if err := setHolders(batch, []byte(key), ids.fresh[key]); err != nil {
			return err
		}
		f.pace.Step()
	}
	for _, name := range slices.Sorted(maps.Keys(ids.pages)) {
		key := pageKey(Space(name>>32), uint32(name))
		var err error
		if page := ids.pages[name]; len(page) > 0 {
			err = batch.Set(key, page.encode())
		} else {
			err = batch.Delete(key)
		}
		if err != nil {
			return err
		}
		f.pace.Step()
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	ids.mu.Lock()
	defer ids.mu.Unlock()
	clear(ids.fresh)
	clear(ids.pages)
	f.idsN = 0
	return nil
}

func setHolders(batch *badger.WriteBatch, key []byte, holders []holder) error {
	if len(holders) == 0 {
		return batch.Delete(key)
	}
	return batch.Set(key, encodeHolders(holders))
}

func encodeHolders(holders []holder) []byte {
	value := make([]byte, 0, 12)
	for _, h := range holders {
		value = binary.AppendUvarint(value, uint64(h.user))
		value = binary.AppendUvarint(value, uint64(uint32(h.day)))
	}
	return checked(value)
}

// IDs is the store's third face: external ids.
func (s *Store) IDs() *IDs { return s.ids }
