package partner

import (
	"bytes"
	"errors"
	"math"
	"strings"

	"golang.org/x/time/rate"

	"sosie/audience/segments"
	"sosie/dmp/access"
	"sosie/pixel/identity"
	"sosie/storage"
)

// caller is who a grant lets in, with what follows from it.
type caller struct {
	grant access.Grant
	// destinations are what segments are published to: site/<key> for each site, or
	// partner/<name>. The id space in which the caller names users is called so too,
	// and the label of a site.
	destinations []string
	pseudonyms   *identity.Pseudonyms // of a partner
	users        *rate.Limiter
	events       *rate.Limiter
}

// caller returns the caller of a grant, which never changes.
func (d *Door) caller(g access.Grant) (*caller, error) {
	if c, ok := d.callers.Load(g.ID); ok {
		return c.(*caller), nil
	}
	c := &caller{
		grant:  g,
		users:  rate.NewLimiter(rate.Limit(d.limits.UsersPerSecond), 10*d.limits.UsersPerSecond),
		events: rate.NewLimiter(rate.Limit(d.limits.EventsPerSecond), 10*d.limits.EventsPerSecond),
	}
	switch g.Role {
	case access.Site:
		for _, site := range g.Sites {
			c.destinations = append(c.destinations, segments.SitePrefix+site)
		}
	case access.Partner:
		c.destinations = []string{segments.PartnerPrefix + g.Partner}
		var err error
		if c.pseudonyms, err = d.house.Pseudonyms(g.Partner); err != nil {
			return nil, err
		}
	case access.Buyer, access.Admin: // the table lets them nowhere here
	}
	first, _ := d.callers.LoadOrStore(g.ID, c)
	return first.(*caller), nil
}

// errSpace means a user named in an id space that the token may not use.
var errSpace = errors.New("the token may not name users by ids of this space")

// nobody is an ordinal that is in no chunk.
const nobody = storage.Ordinal(math.MaxUint32)

// externalOf reads SPACE:ID. The space is one of the caller's, the longest that fits: a key
// may hold colons.
func (c *caller) externalOf(ref string) (space, id string, err error) {
	for _, name := range c.destinations {
		if rest, ok := strings.CutPrefix(ref, name); ok && len(rest) > 1 && rest[0] == ':' && len(name) > len(space) {
			space, id = name, rest[1:]
		}
	}
	if space == "" {
		return "", "", errSpace
	}
	return space, id, nil
}

// user returns whom a caller names: SPACE:ID, or a partner's own pseudonym, or the
// value of the cookie of a site's own visitor; nobody where that is no one. It
// appends to dst the destinations whose segments may be told of this user.
func (d *Door) user(dst []string, c *caller, view *storage.View, ref []byte) (u storage.Ordinal, destinations []string, err error) {
	switch {
	case bytes.IndexByte(ref, ':') >= 0:
		u, err = d.byID(c, string(ref))
		return u, append(dst, c.destinations...), err
	case c.pseudonyms != nil:
		if u, err = c.pseudonyms.Open(ref); err != nil {
			u = nobody
		}
		return u, append(dst, c.destinations...), nil
	}
	u, ok := d.house.Visitor(ref)
	if !ok {
		u = nobody
	}
	for _, destination := range c.destinations {
		visited, err := visits(view, destination, u)
		if err != nil {
			return nobody, dst, err
		}
		if visited {
			dst = append(dst, destination)
		}
	}
	return u, dst, nil
}

// visits reports whether a user was ever seen on a site, given by its label.
func visits(view *storage.View, site string, u storage.Ordinal) (bool, error) {
	label, ok := view.Labels().Lookup(site)
	if !ok {
		return false, nil
	}
	return view.Carries(label, u)
}

func (d *Door) byID(c *caller, ref string) (storage.Ordinal, error) {
	space, id, err := c.externalOf(ref)
	if err != nil {
		return nobody, err
	}
	number, ok := d.house.Store.LookupSpace(space)
	if !ok {
		return nobody, nil
	}
	u, _, ok, err := d.house.Store.IDs().Lookup(number, []byte(id))
	if err != nil || !ok {
		u = nobody
	}
	return u, err
}

// spaceHint says how a caller may name users.
func (c *caller) spaceHint() string {
	return "It may name users by: " + strings.Join(c.destinations, ":ID, ") + ":ID."
}
