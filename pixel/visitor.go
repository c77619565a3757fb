package pixel

import "sosie/storage"

// Visitor returns the user of the value of a cookie, as a site's server has it from
// its visitor's browser; ok is false where it counts as none.
func (p *Pixel) Visitor(cookie []byte) (u storage.Ordinal, ok bool) {
	user, _, err := p.keys.OpenUser(cookie)
	if err != nil || p.voids(user, p.clock()) != none {
		return 0, false
	}
	return user.Ordinal, true
}
