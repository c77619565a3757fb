package pixel

import (
	"errors"

	"sosie/pixel/rules"
)

// embedded finds out whether a hit comes from a page of the site: by its Origin,
// or where a browser sends none, by its Referer. A hit that says neither, as pages
// with referrerpolicy="no-referrer" make them, is one of nobody knows where. The
// cause is none for a page of the site.
func (s *site) embedded(h *Hit) cause {
	if s.hosts.Empty() {
		return none
	}
	from, _, _ := rules.SplitURL(h.Origin)
	if from == nil {
		from, _, _ = rules.SplitURL(h.Referer)
	}
	switch {
	case from == nil:
		return originUnknown
	case !s.hosts.Has(from):
		return originForeign
	}
	return none
}

var errStrict = errors.New("strict needs hosts: without them no page is the site's own")
