package pixel

import "sosie/pixel/rules"

// Pages returns the rules that give a site's pages their labels; ok is false
// for a site that does not exist.
func (p *Pixel) Pages(site string) (pages *rules.Set, ok bool) {
	s, ok := (*p.sites.Load())[site]
	if !ok {
		return nil, false
	}
	return s.pages, true
}
