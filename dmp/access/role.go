package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what the bearer of a token is to the house.
type Role string

// The roles.
const (
	// Site is the server of a site: it sends events, and reads what was published
	// to the site.
	Site Role = "site"
	// Partner reads the segments that were published to it, and nothing else.
	Partner Role = "partner"
	// Buyer asks about segments and keeps them, and never sees a user or a number
	// under MinUsers.
	Buyer Role = "buyer"
	// Admin runs the house.
	Admin Role = "admin"
)

// MinUsers is the smallest number of users that a buyer is told.
const MinUsers = 20

// roles are all roles, with how many requests a second a token of theirs may make
// unless its grant says otherwise.
var roles = []struct {
	role Role
	rate int
}{{Site, 1000}, {Partner, 20_000}, {Buyer, 20}, {Admin, 100}}

// Roles returns all roles.
func Roles() []Role {
	out := make([]Role, len(roles))
	for i, r := range roles {
		out[i] = r.role
	}
	return out
}

// ParseRole reads a role by its name.
func ParseRole(name string) (Role, error) {
	if !slices.Contains(Roles(), Role(name)) {
		names := make([]string, len(roles))
		for i, r := range roles {
			names[i] = string(r.role)
		}
		return "", fmt.Errorf("%w: role %q: want one of %s", ErrBadGrant, name, strings.Join(names, ", "))
	}
	return Role(name), nil
}

// rate is how many requests a second a token of the role may make.
func (r Role) rate() int {
	for _, known := range roles {
		if known.role == r {
			return known.rate
		}
	}
	return 0
}
