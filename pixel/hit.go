package pixel

import (
	"crypto/sha256"
	"net/netip"

	"sosie/pixel/identity"
	"sosie/pixel/rules"
	"sosie/pixel/tag"
	"sosie/storage"
)

// Hit is what the pixel looks at in a request. Its fields are valid only until
// Answer returns; nothing keeps them.
type Hit struct {
	// Path is as sent, Query the bytes after the question mark.
	Path, Query []byte
	// Cookies are the values of all Cookie headers, as sent.
	Cookies [][]byte
	// Agent is the User-Agent.
	Agent []byte
	// Client is the browser's address, past proxies that are trusted.
	Client netip.Addr
	// Head is a HEAD request.
	Head bool
	// Prefetch says that nobody may ever look at the page.
	Prefetch bool
	// GPC is a Sec-GPC header of exactly 1.
	GPC bool
	// Secure says that the browser came over TLS.
	Secure bool
	// Body says that a request that must have none had one.
	Body bool
	// Post is a POST request, Posted its body.
	Post   bool
	Posted []byte
	// Origin and Referer are the headers.
	Origin, Referer []byte
	// SameOrigin says that the request comes from a page of the pixel's own origin:
	// a Sec-Fetch-Site header of same-origin.
	SameOrigin bool
	// Token is the token of an Authorization header, nil without one.
	Token []byte
	// Encodings and IfNoneMatch are the headers Accept-Encoding and If-None-Match.
	Encodings, IfNoneMatch []byte
}

// Reply is the answer to a hit. The zero value is ready; using one again saves
// allocations.
type Reply struct {
	// Status is an HTTP status code.
	Status int
	// Type is the media type of Body, empty when there is none.
	Type string
	// Body is shared by all replies and must not be changed.
	Body []byte
	// SetCookie is the value of a Set-Cookie header, empty for none. It is
	// valid until the Reply is used again.
	SetCookie []byte
	// RetryAfter is the value of a Retry-After header in seconds, 0 for none.
	RetryAfter int
	// AllowOrigin is the origin whose pages may read the answer, nil for none. It
	// belongs to the hit.
	AllowOrigin []byte
	// Guarded answers are about a person: no other site may embed or read them.
	Guarded bool
	// Script is the form of the tag that is answered, nil for other answers.
	Script *tag.Variant
	// Allow is the value of an Allow header, empty for none.
	Allow string

	records    storage.Records
	query      query
	labels     []storage.Label
	pending    identity.PendingCookie
	signatures [][sha256.Size]byte // that were used
	created    []string            // labels that leave quarantine with this hit
	own        []byte              // the site's own id of the user, by the first line
	trace      *Trace              // unless nil, what an administrator will read
	device     rules.Device
	page       rules.Page
	scratch    rules.Scratch
}

func (r *Reply) reset() {
	r.Status, r.Type, r.Body, r.RetryAfter = 0, "", nil, 0
	r.AllowOrigin, r.Guarded, r.Script, r.Allow, r.trace = nil, false, nil, "", nil
	r.signatures, r.created, r.own = r.signatures[:0], r.created[:0], r.own[:0]
	r.SetCookie = r.SetCookie[:0]
	r.records.Reset()
	r.labels = r.labels[:0]
}

const gifType = "image/gif"

// gif is a transparent image of one pixel.
var gif = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
	"\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")

var healthy, stopped = []byte("ok\n"), []byte("stopped: restart\n")

// accept answers a hit: an image for one of an image, nothing for a beacon.
func (r *Reply) accept(h *Hit) {
	if h.Post {
		r.Status, r.Type, r.Body = 204, "", nil
		return
	}
	r.Status, r.Type, r.Body = 200, gifType, gif
}
