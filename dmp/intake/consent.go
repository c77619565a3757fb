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
	none  bool
	store *storage.Store
	view  *storage.View
	own   storage.Label // of the source that speaks
	// racing says that others may have written since the view, so that what it
	// shows of a user permits nothing.
	racing bool
	// others are the users that another source without consent labels, by chunk.
	others  map[int]*block.Words
	sources []storage.Label // read when the first user asks for them
	read    bool
	err     error
}

// siteConsentKind is the kind of the documents that remember sites whose servers
// sent events without consent, by the name of the site's label.
const siteConsentKind = "site-consent"

// newConsent begins what a source says. The view must hold what earlier ones said.
func newConsent(store *storage.Store, own storage.Label, none bool) *consent {
	return &consent{none: none, store: store, view: store.View(), own: own, others: map[int]*block.Words{}}
}

// readSources reads which other sources ever spoke without consent.
func (c *consent) readSources() error {
	labels := c.store.Labels()
	met := map[storage.Label]bool{c.own: true}
	add := func(l storage.Label, ok bool) {
		if ok && !met[l] {
			met[l] = true
			c.sources = append(c.sources, l)
		}
	}
	for name, text := range c.store.Documents().List(documentKind) {
		var r Receipt
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("read what import %s declared: %w: %w", name, storage.ErrCorrupt, err)
		}
		if r.Consent == None {
			add(labels.Source(r.Source))
		}
	}
	for name := range c.store.Documents().List(siteConsentKind) {
		add(labels.Lookup(name))
	}
	return nil
}

// declare writes what is due for one user.
func (c *consent) declare(records *storage.Records, u storage.Ordinal) {
	masked := c.view.Masked(storage.NoConsent, u)
	if c.none && (!masked || c.racing) {
		records.Mask(storage.NoConsent, u, true)
	}
	if !c.none && masked && !c.elsewhere(u) {
		records.Mask(storage.NoConsent, u, false)
	}
}

// elsewhere reports whether another source without consent labels a user.
func (c *consent) elsewhere(u storage.Ordinal) bool {
	if !c.read {
		c.read = true
		if c.err = c.readSources(); c.err != nil {
			return true // what cannot be read may hold a refusal
		}
	}
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
