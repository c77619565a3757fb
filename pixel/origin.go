package pixel

import (
	"bytes"
	"errors"
)

// hostOf returns the host of an origin or a URL of http or https, without its port;
// nil when it has none.
func hostOf(url []byte) []byte {
	scheme, rest, ok := bytes.Cut(url, schemeEnd)
	if !ok || !bytes.EqualFold(scheme, schemeHTTP) && !bytes.EqualFold(scheme, schemeHTTPS) {
		return nil
	}
	if end := bytes.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if at := bytes.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	if len(rest) > 0 && rest[0] == '[' { // an IPv6 address keeps its brackets
		if end := bytes.IndexByte(rest, ']'); end > 0 {
			return rest[:end+1]
		}
		return nil
	}
	host, _, _ := bytes.Cut(rest, colon)
	if len(host) == 0 {
		return nil
	}
	return host
}

var (
	schemeEnd   = []byte("://")
	schemeHTTP  = []byte("http")
	schemeHTTPS = []byte("https")
	colon       = []byte{':'}
)

// embedded finds out whether a hit comes from a page of the site: by its Origin,
// or where a browser sends none, by its Referer. A hit that says neither, as pages
// with referrerpolicy="no-referrer" make them, is one of nobody knows where. The
// cause is none for a page of the site.
func (s *site) embedded(h *Hit) cause {
	if s.hosts.Empty() {
		return none
	}
	from := hostOf(h.Origin)
	if from == nil {
		from = hostOf(h.Referer)
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
