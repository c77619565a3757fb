package pixel

import (
	"net/netip"

	"sosie/pixel/identity"
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
	// Body says that the request had one.
	Body bool
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

	records storage.Records
	query   query
	labels  []storage.Label
	pending identity.PendingCookie
}

func (r *Reply) reset() {
	r.Status, r.Type, r.Body, r.RetryAfter = 0, "", nil, 0
	r.SetCookie = r.SetCookie[:0]
	r.records.Reset()
	r.labels = r.labels[:0]
}

// gif is a transparent image of one pixel.
var gif = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
	"\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")

var healthy, stopped = []byte("ok\n"), []byte("stopped: restart\n")

func (r *Reply) gif() { r.Status, r.Type, r.Body = 200, "image/gif", gif }
