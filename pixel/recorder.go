package pixel

import "sosie/storage"

// Recorder is what the pixel needs of the store; *storage.Store is one. All
// methods are called concurrently.
type Recorder interface {
	// Append returns when the records are durable. See storage.Store.Append.
	Append(*storage.Records) (uint64, error)
	// NewUser returns an ordinal that nobody has.
	NewUser() (storage.Ordinal, error)
	// ResolveClaim returns the user of a pending cookie's nonce.
	ResolveClaim(nonce uint64) (u storage.Ordinal, known bool, err error)
	// LookupClaim returns the user of a pending cookie's nonce, if it has one.
	LookupClaim(nonce uint64) (u storage.Ordinal, ok bool)
	// Space returns the number of an id space, declared if it is new.
	Space(name string) (storage.Space, error)
	// ResolveID returns the user whom an external id names, and whether the id must
	// be recorded beside the hit.
	ResolveID(space storage.Space, external []byte) (u storage.Ordinal, write bool, err error)
	// LookupID returns the user whom an external id names, if it names one.
	LookupID(space storage.Space, external []byte) (u storage.Ordinal, ok bool, err error)
	// DeclareSite returns the label of a site, declared if it is new.
	DeclareSite(key string) (storage.Label, error)
	// Declare returns the numbers of labels, declared if they are new.
	Declare(...storage.LabelSpec) ([]storage.Label, error)
	// Labels is the dictionary.
	Labels() *storage.Labels
	// View tells who is erased or opted out.
	View() *storage.View
	// Epoch is sealed in cookies.
	Epoch() uint16
	// Voided reports whether what an epoch sealed of a user counts as none, since
	// the store was restored from before that user.
	Voided(epoch uint16, u storage.Ordinal) bool
	// Broken is why nothing is acknowledged any more until a restart, or nil.
	Broken() error
	// HighWater is an ordinal below which all have been given out. It never
	// falls while the process lives.
	HighWater() storage.Ordinal
}

var _ Recorder = (*storage.Store)(nil)

// issued reports whether an ordinal has ever been given out. HighWater waits
// while a block of ordinals is leased, so it is asked only when what it said
// last does not answer.
func (p *Pixel) issued(u storage.Ordinal) bool {
	if uint32(u) < p.highWater.Load() {
		return true
	}
	mark := p.store.HighWater()
	for {
		known := p.highWater.Load()
		if uint32(mark) <= known || p.highWater.CompareAndSwap(known, uint32(mark)) {
			return u < mark
		}
	}
}
