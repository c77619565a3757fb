package intake

import (
	"context"

	"sosie/storage"
)

const (
	// turnIDs and turnBytes are after how many ids met, and bytes appended, the
	// resolver waits for the fold, which is then at most two turns behind. That
	// bounds what the fold holds of an import, and what the resolver does.
	turnIDs   = 200_000
	turnBytes = 8 << 20
)

// resolver turns external ids into users.
type resolver struct {
	store *storage.Store
	space storage.Space
	pace  *storage.Pace
	// young are the ids met in this turn, old those of the turn before: what is in
	// neither has been folded, and the store finds it.
	young, old map[string]named
	sent       int // bytes of records in this turn
	most       int // turnIDs, or what a test wants
	// behind brings nil when the fold has seen the turn before, or why it will
	// not.
	behind <-chan error
}

// named is a user, and the day on which an id last named it.
type named struct {
	user storage.Ordinal
	day  storage.Day
}

// resolve returns the users of external ids, in their order, and which of them
// are new: an id that nobody has gets a new user. Ids may not repeat.
func (r *resolver) resolve(externals []string) (users []named, fresh []bool, err error) {
	users, fresh = make([]named, len(externals)), make([]bool, len(externals))
	var asked []string
	var places []int
	for i, external := range externals {
		known, ok := r.young[external]
		if !ok {
			known, ok = r.old[external]
		}
		if users[i] = known; !ok {
			asked, places = append(asked, external), append(places, i)
		}
	}
	found, err := r.store.IDs().LookupAll(r.space, asked, r.pace)
	if err != nil {
		return nil, nil, err
	}
	count := 0
	for i, f := range found {
		users[places[i]] = named{f.User, f.Day}
		if fresh[places[i]] = !f.OK; !f.OK {
			count++
		}
	}
	if count == 0 {
		return users, fresh, nil
	}
	next, err := r.store.NewUsers(count)
	if err != nil {
		return nil, nil, err
	}
	for i := range users {
		if fresh[i] {
			users[i].user = next
			next++
		}
	}
	return users, fresh, nil
}

// met remembers whom an id names, as of the records under way.
func (r *resolver) met(external string, n named) { r.young[external] = n }

// due reports whether it is time to turn.
func (r *resolver) due() bool { return len(r.young) >= r.most || r.sent >= turnBytes }

// turn begins a new turn, once the fold has seen the one before. folded brings
// the same of the one that ends.
func (r *resolver) turn(ctx context.Context, folded <-chan error) error {
	if r.behind != nil {
		select {
		case err := <-r.behind:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.behind = folded
	r.old, r.young, r.sent = r.young, map[string]named{}, 0
	return nil
}
