package intake

import (
	"encoding/json"
	"fmt"

	"sosie/storage"
	"sosie/storage/block"
)

// consent writes what the operator declared into the mask NoConsent.
//
// The rule is that of sites: a user may be used when every source that
// labelled him allows it, and of one source the last word counts. So an import
// without consent puts all its users into the mask, those that other imports
// brought before as well; and a later import that permits takes its users out
// again unless some other source has ever been imported without consent and
// labels them. That errs to the side of not counting.
type consent struct {
	none bool
	view *storage.View
	// others are the users that another source without consent labels, by chunk.
	others  map[int]*block.Words
	sources []storage.Label
	err     error
}

// newConsent looks up what earlier imports declared. The view must hold them.
func newConsent(store *storage.Store, q Request) (*consent, error) {
	c := &consent{none: q.Consent == None, view: store.View(), others: map[int]*block.Words{}}
	labels := store.Labels()
	met := map[string]bool{q.Source: true}
	for name, text := range store.Documents().List(documentKind) {
		var r Receipt
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read what import %s declared: %w: %w", name, storage.ErrCorrupt, err)
		}
		if l, ok := labels.Source(r.Source); ok && r.Consent == None && !met[r.Source] {
			met[r.Source] = true
			c.sources = append(c.sources, l)
		}
	}
	return c, nil
}

// declare writes what is due for one user.
func (c *consent) declare(records *storage.Records, u storage.Ordinal) {
	masked := c.view.Masked(storage.NoConsent, u)
	if c.none && !masked {
		records.Mask(storage.NoConsent, u, true)
	}
	if !c.none && masked && !c.elsewhere(u) {
		records.Mask(storage.NoConsent, u, false)
	}
}

// elsewhere reports whether another source without consent labels a user.
func (c *consent) elsewhere(u storage.Ordinal) bool {
	words := c.others[u.Chunk()]
	if words == nil {
		words = new(block.Words)
		for _, l := range c.sources {
			if err := c.view.OrAny(words, u.Chunk(), l); err != nil {
				words.Fill() // what cannot be read may hold a refusal
				c.err = err
			}
		}
		c.others[u.Chunk()] = words
	}
	return words.Has(u.Low())
}
