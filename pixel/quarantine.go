package pixel

import (
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
// A stranger with one browser can bring a new label only once, as one user; the new
// names of a network are limited by the hour, and where there is no room the label
// that fewest users have brought goes. So made-up labels neither reach the dictionary
// nor keep real ones out.
type quarantine struct {
	mu      sync.Mutex
	waiting map[string]*newLabel
}

// newLabel is a label in quarantine, with who brought it and when.
type newLabel struct {
	since storage.Day
	users []storage.Ordinal
	days  []storage.Day
}

// bring notes that a user brought a label, and takes the label out when that makes
// it one of enough users. begin asks whether a name not met before may be noted.
func (q *quarantine) bring(name string, u storage.Ordinal, today storage.Day, begin func() bool) (ready *newLabel, noted bool) {
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
			q.waiting = map[string]*newLabel{}
		}
		if len(q.waiting) >= quarantineNames {
			q.makeRoom(today)
		}
		l = &newLabel{since: today}
		q.waiting[strings.Clone(name)] = l
	}
	for _, twice := range l.users {
		if twice == u {
			return nil, true
		}
	}
	l.users, l.days = append(l.users, u), append(l.days, today)
	if len(l.users) < quarantineUsers {
		return nil, true
	}
	delete(q.waiting, name)
	return l, true
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
	today := storage.DayOf(now)
	ready, noted := p.quarantine.bring(name, *user, today, func() bool {
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
	for i, u := range ready.users {
		if !p.hasOptedOut(u) && !p.store.View().Masked(storage.Erased, u) {
			r.records.Hit(u, ready.days[i], numbers[0])
		}
	}
	return none
}

// creates reports whether a hit of the site may create a label.
func (s *site) creates(name []byte) bool {
	return s.create != "" && strings.HasPrefix(string(name), s.create)
}
