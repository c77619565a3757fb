package pixel

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

// post sends a beacon.
func (b *browser) post(body string) *Reply {
	change := b.change
	defer func() { b.change = change }()
	b.change = func(h *Hit) {
		h.Path, h.Query, h.Post, h.Posted = []byte(BeaconPath), nil, true, []byte(body)
		if change != nil {
			change(h)
		}
	}
	return b.get("")
}

// TestBeacon asks what the lines of a beacon of a user do.
func TestBeacon(t *testing.T) {
	h := openHouse(t)
	for _, c := range []struct {
		name, body string
		status     int
		counts     string
		carried    string
	}{
		{"one line", "s=news&l=interest/tennis", 204, "stored", "interest/tennis seen site/news"},
		{"two lines", "s=news&l=interest/tennis\ns=news&l=place/italy", 204, "stored", "interest/tennis place/italy seen site/news"},
		{"carriage returns and empty lines", "\r\ns=news&l=interest/tennis\r\n\r\n\ns=news&l=interest/01\r\n", 204, "stored", "interest/01 interest/tennis seen site/news"},
		{"the same twice", "s=news&l=interest/tennis\ns=news&l=interest/tennis", 204, "stored", "interest/tennis seen site/news"},
		{"a line of another site", "s=news&l=interest/tennis\ns=shop&l=place/france", 204, "line_foreign stored", "interest/tennis seen site/news"},
		{"a line of no site", "s=news\nl=interest/tennis", 204, "line_foreign stored", "seen site/news"},
		{"a refusal in a later line", "s=news&l=interest/tennis\ns=news&gpc=1", 204, "opted_out refused_by_gpc", "*opted-out"},
		{"a signal in a later line", "s=news&l=interest/tennis\ns=news&gdpr_consent=CQ", 204, "refused_by_signal", ""},
		{"the first line of no site", "l=interest/tennis\ns=news", 403, "unknown_site", ""},
		{"nothing", "", 403, "unknown_site", ""},
		{"more lines than may be", strings.Repeat("s=news&l=interest/tennis\n", maxLines+3), 204, "line_excess=3 stored", "interest/tennis seen site/news"},
		{"as many labels as lines allow", "s=news&l=interest/00\ns=news&l=interest/golf,place/france", 204, "label_forbidden label_unknown stored", "interest/00 seen site/news"},
		{"too long", "s=news&l=interest/tennis&x=" + strings.Repeat("y", 8<<10), 204, "too_long", ""},
		{"ten thousand events", strings.Repeat("s=news&e=cart\n", 10_000), 204, "too_long", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, u := h.newUser(t)
			before := h.Counters()
			r := b.post(c.body)
			if r.Status != c.status || len(r.Body) != 0 {
				t.Errorf("answer %d with %d bytes, want %d with none", r.Status, len(r.Body), c.status)
			}
			if got := h.counts(t, before); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if got := h.carried(t, u, u+1); got != c.carried {
				t.Errorf("the user carries %q, want %q", got, c.carried)
			}
		})
	}
}

// TestBeaconOfAStranger sees that a beacon's labels, of all its lines, wait in the
// pending cookie.
func TestBeaconOfAStranger(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	b.post("s=news&l=interest/tennis\ns=news&l=place/italy")
	b.post("s=news")
	if got, want := h.carried(t, 0, h.store.HighWater()), "interest/tennis place/italy seen site/news"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
}

// TestMethods asks which path takes which method.
func TestMethods(t *testing.T) {
	h := openHouse(t)
	for _, c := range []struct {
		path   string
		post   bool
		status int
		allow  string
	}{
		{Path, false, 200, ""},
		{Path, true, 405, "GET, HEAD"},
		{BeaconPath, true, 204, ""},
		{BeaconPath, false, 405, "POST"},
		{MePath, true, 405, "GET, HEAD"},
		{HealthPath, true, 405, "GET, HEAD"},
		{TagPath, false, 200, ""},
		{TagAlias, false, 200, ""},
		{TagAlias, true, 405, "GET, HEAD"},
		{"/v2/tag.js", false, 404, ""},
	} {
		r := new(Reply)
		hit := &Hit{Path: []byte(c.path), Query: []byte("s=news"), Post: c.post, Agent: []byte(browserAgent), Client: netip.IPv6Loopback()}
		if c.post {
			hit.Posted = []byte("s=news")
		}
		h.Answer(hit, r)
		if r.Status != c.status || r.Allow != c.allow {
			t.Errorf("%s, post %v: %d, Allow %q, want %d, %q", c.path, c.post, r.Status, r.Allow, c.status, c.allow)
		}
	}
}

// TestScript asks for the tag as browsers do.
func TestScript(t *testing.T) {
	h := openHouse(t)
	ask := func(encodings, known string) *Reply {
		r := new(Reply)
		h.Answer(&Hit{Path: []byte(TagPath), Encodings: []byte(encodings), IfNoneMatch: []byte(known)}, r)
		return r
	}
	plain, packed := ask("", ""), ask("gzip, deflate, br, zstd", "")
	if plain.Status != 200 || plain.Script.Encoding != "" || !bytes.Contains(plain.Body, []byte("sendBeacon")) {
		t.Errorf("answer %d, %q, %.40q", plain.Status, plain.Script.Encoding, plain.Body)
	}
	if packed.Status != 200 || packed.Script.Encoding == "" || len(packed.Body) >= len(plain.Body) {
		t.Errorf("answer %d, %q, %d bytes", packed.Status, packed.Script.Encoding, len(packed.Body))
	}
	if again := ask("br", `W/"x", `+ask("br", "").Script.ETag); again.Status != 304 || len(again.Body) > 0 {
		t.Errorf("asked again: %d with %d bytes", again.Status, len(again.Body))
	}
}
