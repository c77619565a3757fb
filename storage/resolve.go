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
	if u, ok := s.meetings.find(key); ok {
		return u, true, nil
	}
	fresh, err := s.NewUser() // outside the lock: it may wait for the device
	if err != nil {
		return 0, false, fmt.Errorf("resolve id: %w", err)
	}
	return s.meetings.keep(key, fresh, s.clock()), true, nil
}

// MeetID is for who has looked an id up, found nobody, and would name u by it: it
// returns whom the id then names, u unless ResolveID keeps another. From then on
// that is whom ResolveID returns.
func (s *Store) MeetID(space Space, external []byte, u Ordinal) Ordinal {
	return s.meetings.keep(string(forwardKey(space, string(external))), u, s.clock())
}

func (m *meetings) find(key string) (Ordinal, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.byID[key]
	return found.user, ok
}

// keep remembers a user for an id, unless another hit was faster, and returns whom
// the id names.
func (m *meetings) keep(key string, u Ordinal, now time.Time) Ordinal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.byID[key]; ok {
		return found.user
	}
	if m.byID == nil {
		m.byID, m.sweepAt = map[string]meeting{}, fewMeetings
	}
	if len(m.byID) >= m.sweepAt {
		m.sweep(now)
		m.sweepAt = max(fewMeetings, 2*len(m.byID))
	}
	m.byID[key] = meeting{u, now}
	return u
}

// sweep lets go of old meetings: what was appended has long been folded, and what
// could not be appended is met again as a new user.
func (m *meetings) sweep(now time.Time) {
	for key, found := range m.byID {
		if age := now.Sub(found.at); age > meetingLife || age < 0 {
			delete(m.byID, key)
		}
	}
}
