package rules

import (
	"bytes"
	"time"
)

// Page is what rules look at: a look at a page, or an event on it. Its bytes are
// read during Match and not kept. What a hit does not say stays empty.
type Page struct {
	// Host, Path and Query are those of the page's address, as sent and still
	// percent-encoded; SetURL fills them in.
	Host, Path, Query []byte
	// Referrer and Canonical are addresses, as sent.
	Referrer, Canonical []byte
	// Title, Meta and Search are texts: the page's title, its chosen meta words,
	// and the words of the site's own search.
	Title, Meta, Search []byte
	// Event is the name of an event, empty for a page view.
	Event []byte
	// Object is the id of what the event is about, Items are the ids of its items
	// with commas between them.
	Object, Items []byte
	// Value is a decimal number such as 49.90, in Currency, three letters.
	Value, Currency []byte
	// Device is what DeviceOf says of the agent.
	Device Device
	// Time is the moment of the hit, in any zone.
	Time time.Time
}

// The most of a page that is looked at, which bounds what a stranger may cost.
const (
	maxText       = 8 << 10 // bytes of each text and address
	maxParameters = 100     // of an address
	maxItems      = 100     // of an event
)

// SetURL takes host, path and query from an address.
func (p *Page) SetURL(url []byte) { p.Host, p.Path, p.Query = SplitURL(url) }

// SplitURL takes an address of http or https, or one that begins with //, apart
// without copying or decoding. The host may still carry a port; an empty path is
// /. A fragment is left out. Anything else, as far as it begins with a slash, is
// a path with its query, without a host; the rest has no part.
func SplitURL(url []byte) (host, path, query []byte) {
	url, _, _ = bytes.Cut(url, []byte{'#'})
	url, query, _ = bytes.Cut(url, []byte{'?'})
	rest, ok := url, false
	if i := bytes.IndexByte(url, ':'); i > 0 && isHTTP(url[:i]) {
		rest = url[i+1:]
		if rest, ok = bytes.CutPrefix(rest, slashes); !ok {
			return nil, nil, nil
		}
	} else if rest, ok = bytes.CutPrefix(url, slashes); !ok {
		if len(url) == 0 || url[0] != '/' {
			return nil, nil, nil
		}
		return nil, url, query
	}
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	} else {
		host, path = rest, slash
	}
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return host, path, query
}

var slashes = []byte("//")

func isHTTP(scheme []byte) bool {
	return bytes.EqualFold(scheme, []byte("http")) || bytes.EqualFold(scheme, []byte("https"))
}
