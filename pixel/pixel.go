package pixel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sosie/pixel/identity"
	"sosie/pixel/place"
)

// Pixel answers hits. All methods may be called concurrently.
type Pixel struct {
	keys    *identity.Keys
	store   Recorder
	clock   func() time.Time
	started time.Time
	limits  Limits
	trusted []netip.Prefix
	// secure says that browsers always come over TLS.
	secure bool

	sites     atomic.Pointer[map[string]*site]
	robots    *robots
	claims    *rates
	newNames  *rates
	optOuts   optOuts
	busy      busyUsers
	places    *place.Places
	highWater atomic.Uint32
	counters  counters
	exchanges sync.Pool

	quarantine  quarantine
	signatures  signatures
	memberships atomic.Pointer[Memberships]
	inspect     func(token []byte, from netip.Addr) bool
	since       time.Time // when it was opened, by the clock
}

// New returns a pixel that records to a store with the store's keys. A nil
// clock is time.Now; it should be the store's. The sites are declared in the
// store if they are new. The error is ErrBadConfig, or the store's.
func New(config Config, keys *identity.Keys, store Recorder, clock func() time.Time) (*Pixel, error) {
	if config.Limits == (Limits{}) {
		config.Limits = DefaultLimits()
	}
	if err := config.Limits.check(); err != nil {
		return nil, fmt.Errorf("open pixel: %w: %w", ErrBadConfig, err)
	}
	for _, proxy := range config.TrustedProxies {
		if !proxy.IsValid() {
			return nil, fmt.Errorf("open pixel: %w: a trusted proxy is not a network", ErrBadConfig)
		}
	}
	if keys == nil || store == nil {
		return nil, errors.New("open pixel: keys and store are required")
	}
	if clock == nil {
		clock = time.Now
	}
	p := &Pixel{
		keys:    keys,
		store:   store,
		clock:   clock,
		started: time.Now(),
		limits:  config.Limits,
		trusted: slices.Clone(config.TrustedProxies),
		secure:  strings.HasPrefix(strings.ToLower(config.PublicURL), "https://"),
		robots:  newRobots(config.Limits),
		claims:  newRates(config.Limits.ClaimsPerHour, config.Limits.Addresses),
		inspect: config.Inspect,
		since:   clock(),
	}
	p.newNames = newRates(config.Limits.NamesPerHour, config.Limits.Addresses)
	p.busy.limit = uint16(config.Limits.HitsPerUserPerDay)
	p.exchanges.New = func() any { return new(exchange) }
	if err := p.SetSites(config.Sites); err != nil {
		return nil, fmt.Errorf("open pixel: %w", err)
	}
	return p, nil
}

// SetPlaces makes hits carry labels of where they come from; without it they do
// not. Call it before the first hit.
func (p *Pixel) SetPlaces(places *place.Places) { p.places = places }

// elapsed is the time limits go by: no setting of the clock moves it.
func (p *Pixel) elapsed() time.Duration { return time.Since(p.started) }
