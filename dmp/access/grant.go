package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"sosie/pixel/identity"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrBadGrant means a grant that cannot be given.
	ErrBadGrant = errors.New("bad grant")
	// ErrUnknown means an id of a token that does not exist.
	ErrUnknown = errors.New("no such token")
	// ErrRefused means a token that is not one of ours, or none.
	ErrRefused = errors.New("the token is missing or not known")
	// ErrTries means a wrong token from an address that has sent too many.
	ErrTries = errors.New("too many wrong tokens from this address")
	// ErrRate means a right token that asks too often.
	ErrRate = errors.New("too many requests with this token")
)

// The limits of a grant.
const (
	maxName   = 128
	maxFolder = 256
	maxSites  = 64
	// MaxRate is the most requests a second that a grant may allow.
	MaxRate = 1_000_000
)

// Grant is what a token stands for. It never changes.
type Grant struct {
	// ID names the token in lists, and to revoke it. It is no secret.
	ID string `json:"id"`
	// Name says whose the token is: one line of 1 to 128 bytes.
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Sites are the keys of the sites that a site's token is of, at least one, or
	// that a buyer is confined to; a buyer without any asks about the whole house.
	Sites []string `json:"sites,omitempty"`
	// Partner is the name of the partner whose published segments are read.
	Partner string `json:"partner,omitempty"`
	// Folder holds the segments that a buyer sees and saves, and all below it.
	// Empty means all folders; a buyer with sites always has one.
	Folder string `json:"folder,omitempty"`
	// Rate is how many requests a second the token may make, 1 to MaxRate; twice
	// as many at once. 0 stands for the default of the role.
	Rate    int       `json:"rate,omitempty"`
	Created time.Time `json:"created"`
}

// May reports whether the grant allows an operation at all.
func (g Grant) May(op Operation) bool { return Allowed(g.Role, op) }

// Of reports whether the grant is of a site: one of its own, or any where it
// belongs to the whole house.
func (g Grant) Of(site string) bool {
	return slices.Contains(g.Sites, site) || len(g.Sites) == 0 && (g.Role == Admin || g.Role == Buyer)
}

// Holds reports whether a folder of segments is one that the grant sees.
func (g Grant) Holds(folder string) bool {
	return g.Folder == "" || folder == g.Folder || strings.HasPrefix(folder, g.Folder+"/")
}

// normal checks a grant that was asked for and fills in what follows from the rest.
func (g Grant) normal() (Grant, error) {
	bad := func(format string, args ...any) (Grant, error) {
		return Grant{}, fmt.Errorf("%w: %s", ErrBadGrant, fmt.Sprintf(format, args...))
	}
	if _, err := ParseRole(string(g.Role)); err != nil {
		return Grant{}, err
	}
	g.Sites = slices.Clone(g.Sites)
	slices.Sort(g.Sites)
	g.Sites = slices.Compact(g.Sites)
	g.Folder = strings.Trim(g.Folder, "/")
	switch {
	case g.Name == "" || len(g.Name) > maxName || strings.ContainsFunc(g.Name, unicode.IsControl):
		return bad("say whose token it is in one line of 1 to %d bytes", maxName)
	case len(g.Sites) > maxSites || slices.Contains(g.Sites, ""):
		return bad("%d sites: at most %d, each with a key", len(g.Sites), maxSites)
	case len(g.Folder) > maxFolder || strings.ContainsFunc(g.Folder, unicode.IsControl):
		return bad("a folder is one line of at most %d bytes", maxFolder)
	case g.Rate < 0 || g.Rate > MaxRate:
		return bad("%d requests a second: want 1 to %d", g.Rate, MaxRate)
	case (g.Role == Partner) != (g.Partner != ""):
		return bad("a token of the role partner has a partner, and no other has one")
	case g.Partner != "" && !identity.ValidPartnerName(g.Partner):
		return bad("partner %q: want [a-z0-9][a-z0-9_-]{0,63}", g.Partner)
	case g.Role == Site && len(g.Sites) == 0:
		return bad("a token of the role site needs a site")
	case len(g.Sites) > 0 && g.Role != Site && g.Role != Buyer:
		return bad("a token of the role %s has no sites", g.Role)
	case g.Folder != "" && g.Role != Buyer:
		return bad("a token of the role %s has no folder", g.Role)
	}
	if g.Role == Buyer && len(g.Sites) > 0 && g.Folder == "" {
		// A slash would make one site's folder lie within another's.
		g.Folder = strings.ReplaceAll(strings.Join(g.Sites, ","), "/", "|")
	}
	return g, nil
}
