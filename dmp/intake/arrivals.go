package intake

import (
	"sync"

	"sosie/storage"
)

// Arrivals are the external ids on their way to the fold, of everything that
// writes ids of one store: an import, and the events that servers send meanwhile.
// The store finds an id only when the fold has seen it; until then it is here, so
// that two who bring a new id at once mean one user.
//
// An id here may be in no log yet, and perhaps never will be. So whoever meets one
// that another brought writes it again, before the user's first tag, and becomes
// the one who keeps it here.
type Arrivals struct {
	store *storage.Store

	mu      sync.Mutex
	byID    map[external]arrival
	writers uint64    // given out so far
	left    uint64    // ids that have left: what was not found before may be found now
	landing []landing // in order of their sequences
}

// external is an id in a space.
type external struct {
	space storage.Space
	id    string
}

// arrival is a user, the day on which an id last named it, and who keeps it here.
type arrival struct {
	user storage.Ordinal
	day  storage.Day
	by   uint64
}

// landing are the ids of one append, which leave when a view holds it.
type landing struct {
	seq uint64
	by  uint64
	ids []external
}

// named is a user, and the day on which an id last named it.
type named struct {
	user storage.Ordinal
	day  storage.Day
	// fresh says that nobody had the id.
	fresh bool
	// due says that the id must be written before the user's next tag.
	due bool
}

// confirm records an id, unless it has named the user already on the day or later.
func (n *named) confirm(records *storage.Records, space storage.Space, id string, day storage.Day) {
	if n.due || day > n.day {
		n.day = max(n.day, day)
		records.ID(space, []byte(id), n.user, n.day)
	}
}

// NewArrivals returns the arrivals of a store. There must be only one.
func NewArrivals(store *storage.Store) *Arrivals {
	return &Arrivals{store: store, byID: map[external]arrival{}}
}

// writer returns the number of a new writer.
func (a *Arrivals) writer() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writers++
	return a.writers
}

// resolve returns the users of external ids, in their order: an id that nobody
// has gets a new user. Ids may not repeat.
func (a *Arrivals) resolve(by uint64, space storage.Space, ids []string, pace *storage.Pace) ([]named, error) {
	a.mu.Lock()
	a.land()
	asked, left := a.missing(space, ids), a.left
	a.mu.Unlock()
	found, err := a.lookUp(space, asked, pace) // without the lock: it takes long
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left != left {
		if found, err = a.lookUp(space, a.missing(space, ids), pace); err != nil {
			return nil, err
		}
	}
	users := make([]named, len(ids))
	count := 0
	for i, id := range ids {
		key := external{space, id}
		if here, ok := a.byID[key]; ok {
			users[i] = named{user: here.user, day: here.day, due: here.by != by}
			here.by = by
			a.byID[key] = here
		} else if f := found[id]; f.OK {
			users[i] = named{user: f.User, day: f.Day}
		} else {
			users[i].fresh, users[i].due = true, true
			count++
		}
	}
	if count == 0 {
		return users, nil
	}
	next, err := a.store.NewUsers(count)
	if err != nil {
		return nil, err
	}
	pixel := a.pixelWrites(space)
	for i, id := range ids {
		if users[i].fresh {
			users[i].user = next
			if pixel { // a hit may have met the id a moment ago
				users[i].user = a.store.MeetID(space, []byte(id), next)
			}
			a.byID[external{space, id}] = arrival{user: users[i].user, by: by}
			next++
		}
	}
	return users, nil
}

// pixelWrites reports whether hits, too, bring ids of a space: the own ids of a
// site. The store keeps whom they meet.
func (a *Arrivals) pixelWrites(space storage.Space) bool {
	names := a.store.Spaces()
	return int(space) < len(names) && storage.Reserved(names[space])
}

// missing returns those ids that are not here.
func (a *Arrivals) missing(space storage.Space, ids []string) (missing []string) {
	for _, id := range ids {
		if _, ok := a.byID[external{space, id}]; !ok {
			missing = append(missing, id)
		}
	}
	return missing
}

func (a *Arrivals) lookUp(space storage.Space, ids []string, pace *storage.Pace) (map[string]storage.Found, error) {
	found, err := a.store.IDs().LookupAll(space, ids, pace)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]storage.Found, len(ids))
	for i, id := range ids {
		byID[id] = found[i]
	}
	return byID, nil
}

// met remembers whom an id names, as of the records under way.
func (a *Arrivals) met(by uint64, space storage.Space, id string, n named) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID[external{space, id}] = arrival{user: n.user, day: n.day, by: by}
}

// release lets ids go that a writer still keeps: the fold has seen them, or they
// never became durable.
func (a *Arrivals) release(by uint64, space storage.Space, ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.leave(by, external{space, id})
	}
}

func (a *Arrivals) leave(by uint64, key external) {
	if here, ok := a.byID[key]; ok && here.by == by {
		delete(a.byID, key)
		a.left++
	}
}

// durable says that a writer's ids are in the log up to a sequence.
func (a *Arrivals) durable(by, seq uint64, ids []external) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.landing = append(a.landing, landing{seq, by, ids})
	a.land()
}

// land lets go of what the newest view holds.
func (a *Arrivals) land() {
	seen := a.store.View().Stamp().Seq
	n := 0
	for n < len(a.landing) && a.landing[n].seq <= seen {
		for _, key := range a.landing[n].ids {
			a.leave(a.landing[n].by, key)
		}
		n++
	}
	a.landing = a.landing[n:]
}
