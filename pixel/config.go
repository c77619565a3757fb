package pixel

import (
	"errors"
	"fmt"
	"net/netip"
)

// ErrBadConfig is the error of everything New and SetSites refuse.
var ErrBadConfig = errors.New("bad pixel configuration")

// Config says whom the pixel serves.
type Config struct {
	// Sites may embed the pixel; any other is answered 403.
	Sites []Site `yaml:"sites"`
	// Limits are DefaultLimits when zero.
	Limits Limits `yaml:"limits"`
	// TrustedProxies are the peers whose X-Forwarded-For and X-Forwarded-Proto
	// are believed. Anyone else could choose the address that limits count by.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// PublicURL is how browsers reach the pixel. Where it begins with https://,
	// every hit counts as come over TLS, also behind a proxy that does not say
	// so. Empty takes each hit's own word.
	PublicURL string `yaml:"public_url"`
	// Inspect reports whether a token is an administrator's, whose hits are answered
	// with what became of them; nil means that none is.
	Inspect func(token []byte, from netip.Addr) bool `yaml:"-"`
}

// SetSites replaces the sites while hits are being answered: each hit sees the
// old ones or the new ones, whole.
func (p *Pixel) SetSites(sites []Site) error {
	byKey := make(map[string]*site, len(sites))
	for _, s := range sites {
		if _, twice := byKey[s.Key]; twice {
			return fmt.Errorf("set site %q: %w: the key occurs twice", s.Key, ErrBadConfig)
		}
		ready, err := s.ready()
		if err != nil {
			return fmt.Errorf("set site %q: %w: %w", s.Key, ErrBadConfig, err)
		}
		byKey[s.Key] = ready
	}
	for key, s := range byKey {
		label, err := p.store.DeclareSite(key)
		if err != nil {
			return fmt.Errorf("set site %q: %w", key, err)
		}
		s.label = label
		if err := p.bindRules(s); err != nil {
			return fmt.Errorf("set site %q: %w", key, err)
		}
		if s.own {
			if s.space, err = p.store.Space("site/" + key); err != nil {
				return fmt.Errorf("set site %q: %w", key, err)
			}
		}
	}
	p.sites.Store(&byKey)
	return nil
}
