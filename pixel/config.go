package pixel

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sosie/pixel/rules"
	"sosie/storage"
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
}

// The values of Site.WithoutSignal.
const (
	CollectWithoutSignal = "collect"
	RefuseWithoutSignal  = "refuse"
)

// Site is a site that embeds the pixel.
type Site struct {
	// Key names the site in the pixel's address, ?s=<key>; site/<key> must be a
	// valid name of a label.
	Key string `yaml:"key"`
	// WithoutSignal says whether a hit that carries no signal of consent may be
	// stored and set a cookie: CollectWithoutSignal, or RefuseWithoutSignal,
	// which is also the default.
	WithoutSignal string `yaml:"without_signal"`
	// Writes are the labels that hits of the site may write: names, prefixes
	// such as interest/*, or * for all. Empty means all. Never signed or
	// reserved ones.
	Writes []string `yaml:"writes"`
	// CountFirstHit records a browser's first hit at once. Robots and browsers
	// without cookies then become a user at every hit.
	CountFirstHit bool `yaml:"count_first_hit"`
	// Hosts are the site's own hosts: www.shop.example, or *.shop.example for all
	// under that name. Empty means that they are not known.
	Hosts []string `yaml:"hosts"`
	// Zone is where the site's hours and weekdays are told, a name of the IANA
	// database such as Europe/Paris; default UTC.
	Zone string `yaml:"zone"`
	// SearchParameters are the parameters of the site's own addresses that hold
	// what a visitor searched for there; default q, s and query. At most 16.
	SearchParameters []string `yaml:"search_parameters"`
	// Rules give labels to pages; imported access logs of the site go through
	// them. They grant only labels that the site writes.
	Rules []rules.Rule `yaml:"rules"`
}

// site is a Site ready for hits. It never changes.
type site struct {
	label      storage.Label
	collect    bool
	countFirst bool
	all        bool
	names      map[string]bool
	prefixes   []string
	pages      rules.Set
	hosts      rules.Hosts
	zone       *time.Location
}

// writes reports whether hits of the site may write a label.
func (s *site) writes(name string) bool {
	if s.all || s.names[name] {
		return true
	}
	for _, p := range s.prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
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
	}
	p.sites.Store(&byKey)
	return nil
}

func (s Site) ready() (*site, error) {
	if s.Key == "" || len(s.Key) > maxSiteKey || !storage.ValidLabelName("site/"+s.Key) {
		return nil, fmt.Errorf("want a key of 1 to %d characters of [a-z0-9_.:/-]", maxSiteKey)
	}
	ready := &site{countFirst: s.CountFirstHit, all: len(s.Writes) == 0, names: map[string]bool{}}
	switch s.WithoutSignal {
	case CollectWithoutSignal:
		ready.collect = true
	case RefuseWithoutSignal, "":
	default:
		return nil, fmt.Errorf("without_signal is %q: want %s or %s", s.WithoutSignal, CollectWithoutSignal, RefuseWithoutSignal)
	}
	for _, w := range s.Writes {
		prefix, isPrefix := strings.CutSuffix(w, "*")
		switch {
		case w == "*":
			ready.all = true
		case isPrefix && strings.HasSuffix(prefix, "/") && storage.ValidLabelName(prefix):
			ready.prefixes = append(ready.prefixes, prefix)
		case !isPrefix && storage.ValidLabelName(w):
			ready.names[w] = true
		default:
			return nil, fmt.Errorf("writes %q: want a label, a prefix such as interest/*, or *", w)
		}
	}
	var err error
	if ready.hosts, err = rules.ParseHosts(s.Hosts); err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	if ready.zone, err = rules.ParseZone(s.Zone); err != nil {
		return nil, err
	}
	if err := rules.CheckSearchParameters(s.SearchParameters); err != nil {
		return nil, err
	}
	if ready.pages, err = rules.Compile(s.Rules); err != nil {
		return nil, err
	}
	for _, r := range s.Rules {
		for _, l := range r.Labels {
			if !ready.writes(l) {
				return nil, fmt.Errorf("the rule of %s grants %s, which the site does not write: add it to writes", r.Path, l)
			}
		}
	}
	return ready, nil
}
