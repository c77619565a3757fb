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

// resolver turns an import's external ids into users.
type resolver struct {
	arrivals *Arrivals
	by       uint64 // the import, among those who write ids
	space    storage.Space
	pace     *storage.Pace
	// young are the ids met in this turn, old those of the turn before: what is in
	// neither has been folded, and the store finds it.
	young, old []string
	sent       int // bytes of records in this turn
	most       int // turnIDs, or what a test wants
	// behind brings nil when the fold has seen the turn before, or why it will
	// not.
	behind <-chan error
}

// resolve returns the users of external ids, which may not repeat.
func (r *resolver) resolve(externals []string) ([]named, error) {
	return r.arrivals.resolve(r.by, r.space, externals, r.pace)
}

// met remembers whom an id names, as of the records under way.
func (r *resolver) met(id string, n named) {
	r.arrivals.met(r.by, r.space, id, n)
	r.young = append(r.young, id)
}

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
	r.arrivals.release(r.by, r.space, r.old)
	r.old, r.young, r.sent = r.young, nil, 0
	return nil
}

// end lets go of all that the import met, once the fold has seen what was
// appended of it.
func (r *resolver) end() error {
	err := r.arrivals.store.Sync()
	r.arrivals.release(r.by, r.space, r.old)
	r.arrivals.release(r.by, r.space, r.young)
	return err
}
