package pixel

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"sosie/storage"
)

const (
	// quarantineUsers is how many users must bring a new label before it is declared.
	quarantineUsers = 20
	// quarantineDays is how many days it has for that.
	quarantineDays = 7
	// quarantineNames is how many new labels wait at a time, about 400 bytes each.
	quarantineNames = 16 << 10
	// quarantineLook is how many of them are looked at to find one that makes room.
	quarantineLook = 16
)

// quarantine keeps the new labels that sites may create until enough users have
// brought them. It lives in memory: a restart begins anew.
//
// A stranger can make users, but not addresses: of the users of one network only a
// few count, its new names are limited by the hour, and where there is no room the
// label that fewest users have brought goes. So made-up labels neither reach the
// dictionary nor keep real ones out.
type quarantine struct {
	mu      sync.Mutex
	seed    maphash.Seed // of networks, which are compared and not kept
	waiting map[string]*newLabel
}

// quarantineNetwork is how many users of one network count for a new label.
const quarantineNetwork = 4

// newLabel is a label in quarantine, with who brought it, when, and from where.
type newLabel struct {
	since storage.Day
	users []storage.Ordinal
	days  []storage.Day
	from  []uint64
}

// bring notes that a user brought a label, and returns the label when enough users
// have. It stays in quarantine until release. begin asks whether a name not met
// before may be noted.
func (q *quarantine) bring(name string, u storage.Ordinal, n network, today storage.Day, begin func() bool) (ready *newLabel, noted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.waiting[name]
	if l != nil && today >= l.since+quarantineDays {
		delete(q.waiting, name)
		l = nil
	}
	if l == nil {
		if !begin() {
			return nil, false
		}
		if q.waiting == nil {
			q.waiting, q.seed = map[string]*newLabel{}, maphash.MakeSeed()
		}
		if len(q.waiting) >= quarantineNames {
			q.makeRoom(today)
		}
		l = &newLabel{since: today}
		q.waiting[strings.Clone(name)] = l
	}
	l.note(u, maphash.Comparable(q.seed, n), today)
	if len(l.users) < quarantineUsers {
		return nil, true
	}
	return l, true
}

// note counts a user, unless it counts already or its network has enough.
func (l *newLabel) note(u storage.Ordinal, from uint64, today storage.Day) {
	same := 0
	for i := range l.users {
		if l.users[i] == u || len(l.users) == quarantineUsers {
			return
		}
		if l.from[i] == from {
			same++
		}
	}
	if same < quarantineNetwork {
		l.users, l.days, l.from = append(l.users, u), append(l.days, today), append(l.from, from)
	}
}

// brought returns a label of which enough users wait to carry it.
func (q *quarantine) brought(name string) *newLabel {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.waiting[name]; l != nil && len(l.users) == quarantineUsers {
		return l
	}
	return nil
}

// release lets go of labels whose users carry them now.
func (q *quarantine) release(names []string) {
	if len(names) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range names {
		delete(q.waiting, name)
	}
}

// makeRoom lets go of the label of fewest users among some, or one whose time is
// over.
func (q *quarantine) makeRoom(today storage.Day) {
	victim, fewest, looked := "", quarantineUsers, 0
	for name, l := range q.waiting { // in random order
		if today >= l.since+quarantineDays {
			victim = name
			break
		}
		if len(l.users) < fewest {
			victim, fewest = name, len(l.users)
		}
		if looked++; looked == quarantineLook {
			break
		}
	}
	delete(q.waiting, victim)
}

// bring takes a new label of a site into quarantine, or out of it.
func (p *Pixel) bring(h *Hit, r *Reply, s *site, name string, user *storage.Ordinal, now time.Time) cause {
	if user == nil { // a browser never seen again would be a user each time
		return labelQuarantined
	}
	ready, noted := p.quarantine.bring(name, *user, networkOf(h.Client), storage.DayOf(now), func() bool {
		return p.newNames.take(networkOf(h.Client), p.elapsed())
	})
	switch {
	case !noted:
		return labelLimited
	case ready == nil:
		return labelQuarantined
	case len(p.store.Labels().Prefix(s.create)) >= p.limits.CreatedLabels:
		return labelLimited
	}
	numbers, err := p.store.Declare(storage.LabelSpec{Name: name})
	if err != nil {
		return labelLimited
	}
	r.add(numbers[0])
	p.deliver(r, name, numbers[0])
	return none
}

// deliver writes a label that leaves quarantine for all who brought it, beside the
// hit. Where that could not be made durable, the next hit that brings the label does
// it again.
func (p *Pixel) deliver(r *Reply, name string, label storage.Label) {
	ready := p.quarantine.brought(name)
	if ready == nil {
		return
	}
	for i, u := range ready.users {
		if !p.hasOptedOut(u) && !p.store.View().Masked(storage.Erased, u) {
			r.records.Hit(u, ready.days[i], label)
		}
	}
	r.created = append(r.created, name)
}

// creates reports whether a hit of the site may create a label.
func (s *site) creates(name []byte) bool {
	return s.create != "" && strings.HasPrefix(string(name), s.create)
}
