package pixel

import "strings"

// MayWrite reports whether a label is one that a site brings: by its hits, its
// rules or, where it is signed, its server. An unknown site brings none.
func (p *Pixel) MayWrite(site, label string) bool {
	s, ok := (*p.sites.Load())[site]
	return ok && (s.mayWrite(label) || s.granted[label])
}

// MayWriteAll reports whether every label under a prefix, which ends in a slash, is
// one that a site may bring.
func (p *Pixel) MayWriteAll(site, prefix string) bool {
	s, ok := (*p.sites.Load())[site]
	if !ok {
		return false
	}
	if s.all || s.create != "" && strings.HasPrefix(prefix, s.create) {
		return true
	}
	for _, own := range s.prefixes {
		if strings.HasPrefix(prefix, own) {
			return true
		}
	}
	return false
}
