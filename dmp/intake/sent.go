package intake

import (
	"fmt"
	"slices"

	"sosie/storage"
)

// Sent is one event that the server of a site sent.
type Sent struct {
	// Space and ID name the user; a new id makes a new user. Where ID is empty the
	// user is User.
	Space storage.Space
	ID    string
	User  storage.Ordinal
	// Day is at most tomorrow.
	Day storage.Day
	// Labels are declared. Seen and the label of the site come by themselves.
	Labels []storage.Label
}

// Batch is events that become durable together.
type Batch struct {
	// Site is the label of the site whose server speaks.
	Site storage.Label
	// None declares that the users may not be counted, as in an import.
	None   bool
	Events []Sent
}

// Deliver makes a batch durable, all of it or nothing, but for the events of users
// who have opted out, whose places it returns. The errors are those of
// storage.Store.Append. Delivering a batch again changes no answer.
func (a *Arrivals) Deliver(b Batch) (optedOut []int, seq uint64, err error) {
	d := delivery{Arrivals: a, by: a.writer(), batch: b}
	if b.None {
		if err := a.rememberNone(b.Site); err != nil {
			return nil, 0, err
		}
	}
	err = d.name()
	if err == nil {
		optedOut = d.record()
		if d.consent.err != nil {
			err = d.consent.err
		} else if d.records.Len() > 0 {
			seq, err = a.store.Append(&d.records)
		}
	}
	if err != nil {
		for _, key := range d.met {
			a.release(d.by, key.space, []string{key.id})
		}
		return nil, 0, fmt.Errorf("append events: %w", err)
	}
	a.durable(d.by, seq, d.met)
	return optedOut, seq, nil
}

// rememberNone records that a site's server sent events without consent, before
// the first of them.
func (a *Arrivals) rememberNone(site storage.Label) error {
	name := a.store.Labels().Spec(site).Name
	if _, err := a.store.Documents().Get(siteConsentKind, name); err == nil {
		return nil
	}
	err := a.store.Documents().Edit(func(e *storage.Edit) error {
		return e.Put(siteConsentKind, name, []byte(`{"consent":"none"}`))
	})
	if err != nil {
		return fmt.Errorf("record consent of %s: %w", name, err)
	}
	return nil
}

// delivery is a batch on its way.
type delivery struct {
	*Arrivals
	by      uint64
	batch   Batch
	users   map[external]*named
	met     []external
	consent *consent
	records storage.Records
}

// name finds the users of the batch's ids.
func (d *delivery) name() error {
	d.users = map[external]*named{}
	bySpace := map[storage.Space][]string{}
	for _, e := range d.batch.Events {
		key := external{e.Space, e.ID}
		if _, known := d.users[key]; e.ID != "" && !known {
			d.users[key] = nil
			bySpace[e.Space] = append(bySpace[e.Space], e.ID)
		}
	}
	for space, ids := range bySpace {
		users, err := d.resolve(d.by, space, ids, d.store.Pace())
		if err != nil {
			return err
		}
		for i, id := range ids {
			key := external{space, id}
			d.users[key] = &users[i]
			d.met = append(d.met, key)
		}
	}
	return nil
}

// record fills the records, an id before its user's first tag, and returns the
// places of events left out.
func (d *delivery) record() (optedOut []int) {
	view := d.store.View()
	d.consent = newConsent(d.store, d.batch.Site, d.batch.None)
	d.consent.racing = true
	declared := map[storage.Ordinal]bool{}
	var labels []storage.Label
	for i, e := range d.batch.Events {
		u := e.User
		n := d.users[external{e.Space, e.ID}]
		if n != nil {
			u = n.user
		}
		if view.Masked(storage.OptedOut, u) {
			optedOut = append(optedOut, i)
			continue
		}
		if n != nil {
			n.confirm(&d.records, e.Space, e.ID, e.Day)
			n.due = false
			d.Arrivals.met(d.by, e.Space, e.ID, *n)
		}
		if !declared[u] {
			declared[u] = true
			d.consent.declare(&d.records, u)
		}
		labels = append(append(labels[:0], d.batch.Site), e.Labels...)
		slices.Sort(labels)
		d.records.Hit(u, e.Day, slices.Compact(labels)...)
	}
	return optedOut
}
