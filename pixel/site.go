package pixel

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sosie/pixel/rules"
	"sosie/storage"
)

// minSecret is the fewest bytes of a site's secret.
const minSecret = 16

// The values of Site.WithoutSignal.
const (
	CollectWithoutSignal = "collect"
	RefuseWithoutSignal  = "refuse"
)

// The values of Site.Identity: whose cookie tells a browser again.
const (
	// ThirdParty is one cookie over all sites, for the browsers that still take it.
	ThirdParty = "third-party"
	// Partitioned is a cookie of its own on each site that embeds the pixel (CHIPS).
	Partitioned = "partitioned"
	// FirstParty is a cookie of the site itself: the pixel is reached under the
	// site's own domain, as a sub-domain or a path that is handed on.
	FirstParty = "first-party"
	// Own is the site's own id of a visitor who has signed in, with a signature, and
	// FirstParty for others. The ids are those of the id space site/<key>.
	Own = "own"
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
	// Identity is ThirdParty, which is also the default, Partitioned, FirstParty or
	// Own, which needs a secret. With FirstParty and Own the key may not contain : or /, since it is part of the
	// cookie's name.
	Identity string `yaml:"identity"`
	// Strict refuses hits whose Origin, or Referer, is not of the site's hosts.
	// Otherwise they are counted, and recorded.
	Strict bool `yaml:"strict"`
	// Create is a prefix such as topic/ under which hits may create labels: a new one
	// waits until 20 users have brought it, 7 days at most.
	Create string `yaml:"create"`
	// Secret is the key under which the site's server signs what the public may not
	// write, at least 16 bytes; see Sign. Empty means that nothing is signed.
	Secret string `yaml:"secret"`
	// Rules give labels to pages and events; imported access logs of the site go
	// through them. They grant only labels that the site writes.
	Rules []rules.Rule `yaml:"rules"`
}

// site is a Site ready for hits. It never changes.
type site struct {
	key        string
	label      storage.Label
	collect    bool
	countFirst bool
	all        bool
	names      map[string]bool
	prefixes   []string
	granted    map[string]bool // by rules
	pages      *rules.Set
	grants     [][]storage.Label // by rule
	hosts      rules.Hosts
	zone       *time.Location

	plain, secure cookieStyle
	own           bool
	space         storage.Space // of the site's own ids
	strict        bool
	create        string
	secret        []byte
}

// mayWrite reports whether hits of the site may write a label.
func (s *site) mayWrite(name string) bool {
	if s.all || s.names[name] || s.create != "" && strings.HasPrefix(name, s.create) {
		return true
	}
	for _, p := range s.prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func (s Site) ready() (*site, error) {
	if s.Key == "" || len(s.Key) > maxSiteKey || !storage.ValidLabelName("site/"+s.Key) {
		return nil, fmt.Errorf("want a key of 1 to %d characters of [a-z0-9_.:/-]", maxSiteKey)
	}
	ready := &site{
		key: s.Key, countFirst: s.CountFirstHit, strict: s.Strict, create: s.Create, secret: []byte(s.Secret),
		all: len(s.Writes) == 0, names: map[string]bool{}, granted: map[string]bool{},
	}
	switch s.WithoutSignal {
	case CollectWithoutSignal:
		ready.collect = true
	case RefuseWithoutSignal, "":
	default:
		return nil, fmt.Errorf("without_signal is %q: want %s or %s", s.WithoutSignal, CollectWithoutSignal, RefuseWithoutSignal)
	}
	for _, part := range []func(*site) error{s.readWrites, s.readIdentity, s.readPages} {
		if err := part(ready); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// readWrites reads which labels the site's hits may write.
func (s Site) readWrites(ready *site) error {
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
			return fmt.Errorf("writes %q: want a label, a prefix such as interest/*, or *", w)
		}
	}
	if s.Create != "" && (!strings.HasSuffix(s.Create, "/") || !storage.ValidLabelName(s.Create) || storage.Reserved(s.Create+"x")) {
		return fmt.Errorf("create is %q: want a prefix such as topic/, and none that is reserved", s.Create)
	}
	if s.Secret != "" && len(s.Secret) < minSecret {
		return fmt.Errorf("secret has %d bytes: want at least %d", len(s.Secret), minSecret)
	}
	return nil
}

// readIdentity reads how browsers are told again.
func (s Site) readIdentity(ready *site) error {
	switch s.Identity {
	case ThirdParty, Partitioned, "":
	case FirstParty, Own:
		if !cookieKey(s.Key) {
			return fmt.Errorf("with identity %s the key is part of the cookie's name: want neither : nor / in it", s.Identity)
		}
		if ready.own = s.Identity == Own; ready.own && s.Secret == "" {
			return errors.New("identity own needs a secret: ids that are not signed could be anybody's")
		}
	default:
		return fmt.Errorf("identity is %q: want %s, %s, %s or %s", s.Identity, ThirdParty, Partitioned, FirstParty, Own)
	}
	ready.plain, ready.secure = stylesOf(s.Identity, s.Key)
	return nil
}

// readPages reads where the site is and what its pages are worth.
func (s Site) readPages(ready *site) (err error) {
	if ready.hosts, err = rules.ParseHosts(s.Hosts); err != nil {
		return fmt.Errorf("hosts: %w", err)
	}
	if ready.zone, err = rules.ParseZone(s.Zone); err != nil {
		return err
	}
	if s.Strict && ready.hosts.Empty() {
		return errStrict
	}
	options := rules.Options{Zone: ready.zone, SearchParameters: s.SearchParameters}
	if ready.pages, err = rules.Compile(options, s.Rules); err != nil {
		return err
	}
	for _, l := range ready.pages.Granted() {
		ready.granted[l] = true
	}
	for i := range s.Rules {
		for _, l := range s.Rules[i].Labels {
			if !ready.mayWrite(l) {
				return fmt.Errorf("%s grants %s, which the site does not write: add it to writes", s.Rules[i].Called(i), l)
			}
		}
	}
	return nil
}
