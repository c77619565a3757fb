package storage

import (
	"fmt"
	"sync"
	"time"
)

// meeting is the user kept for an external id that no table knows yet.
type meeting struct {
	user Ordinal
	at   time.Time
}

// meetings remembers them until the fold has put them into the tables.
type meetings struct {
	mu      sync.Mutex
	byID    map[string]meeting // by forward key
	sweepAt int                // so many are looked through
}

const (
	// meetingLife is how long a meeting is kept at least: longer than a hit takes
	// from its resolution to the fold.
	meetingLife = time.Minute
	fewMeetings = 1024
)

// ResolveID returns the user whom an external id names: the one it has been
// confirmed for last, or a new ordinal kept for it. write says that the caller must
// put Records.ID beside its hit: the id is new, or was last confirmed on an earlier
// day. Parallel hits of one new id become one user.
func (s *Store) ResolveID(space Space, external []byte) (u Ordinal, write bool, err error) {
	today := DayOf(s.clock())
	u, day, ok, err := s.ids.Lookup(space, external)
	if err != nil {
		return 0, false, fmt.Errorf("resolve id: %w", err)
	}
	if ok {
		return u, day < today, nil
	}
	key := string(forwardKey(space, string(external)))
	if u, ok := s.meetings.find(key, s.forgettable()); ok {
		return u, true, nil
	}
	fresh, err := s.NewUser() // outside the lock: it may wait for the device
	if err != nil {
		return 0, false, fmt.Errorf("resolve id: %w", err)
	}
	return s.meetings.keep(key, fresh, s.clock(), s.forgettable()), true, nil
}

// LookupID returns the user whom an external id names, if it names one, also one
// whom ResolveID keeps for it.
func (s *Store) LookupID(space Space, external []byte) (u Ordinal, ok bool, err error) {
	u, _, ok, err = s.ids.Lookup(space, external)
	if err != nil {
		return 0, false, fmt.Errorf("look up id: %w", err)
	}
	if !ok {
		u, ok = s.meetings.find(string(forwardKey(space, string(external))), s.forgettable())
	}
	return u, ok, nil
}

// forgettable is the moment before which meetings are over: the fold has put what
// they brought into the tables. While it is far behind, none is.
func (s *Store) forgettable() time.Time {
	now := s.clock()
	if s.log.Last() > s.View().stamp.Seq && s.Lag() > meetingLife/2 {
		return time.Time{}
	}
	return now.Add(-meetingLife)
}

// MeetID is for who has looked an id up, found nobody, and would name u by it: it
// returns whom the id then names, u unless ResolveID keeps another. From then on
// that is whom ResolveID returns.
func (s *Store) MeetID(space Space, external []byte, u Ordinal) Ordinal {
	return s.meetings.keep(string(forwardKey(space, string(external))), u, s.clock(), s.forgettable())
}

func (m *meetings) find(key string, over time.Time) (Ordinal, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.look(key, over)
}

// look returns who was met lately. Whoever was met before is in the tables, or was
// erased, or never stored: the id would name them for ever.
func (m *meetings) look(key string, over time.Time) (Ordinal, bool) {
	found, ok := m.byID[key]
	if ok && found.at.Before(over) {
		delete(m.byID, key)
		return 0, false
	}
	return found.user, ok
}

// keep remembers a user for an id, unless another hit was faster, and returns whom
// the id names.
func (m *meetings) keep(key string, u Ordinal, now, over time.Time) Ordinal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.look(key, over); ok {
		return found
	}
	if m.byID == nil {
		m.byID, m.sweepAt = map[string]meeting{}, fewMeetings
	}
	if len(m.byID) >= m.sweepAt {
		m.sweep(over)
		m.sweepAt = max(fewMeetings, 2*len(m.byID))
	}
	m.byID[key] = meeting{u, now}
	return u
}

// sweep lets go of meetings that are over.
func (m *meetings) sweep(over time.Time) {
	for key, found := range m.byID {
		if found.at.Before(over) {
			delete(m.byID, key)
		}
	}
}
