package pixel

import (
	"encoding/json"
	"testing"

	"sosie/storage"
)

// published is a store of memberships that has one for everybody.
type published struct{ to string }

func (p published) Of(dst []string, to string, _ storage.Ordinal) ([]string, storage.Stamp) {
	if to == p.to {
		dst = append(dst, "fans")
	}
	return dst, storage.Stamp{At: noon}
}

// TestMe asks what pages may know of their visitor.
func TestMe(t *testing.T) {
	h := openHouse(t, func(c *Config) {
		c.Sites = []Site{
			{Key: "news", WithoutSignal: CollectWithoutSignal, Writes: []string{"interest/*"}, Hosts: []string{"news.example"}},
			{Key: "shop", WithoutSignal: CollectWithoutSignal, Writes: []string{"place/italy", "place/france"}, Hosts: []string{"shop.example"}},
			{Key: "all", WithoutSignal: CollectWithoutSignal, Hosts: []string{"all.example"}},
			{Key: "quiet", Hosts: []string{"quiet.example"}},
			{Key: "club", WithoutSignal: CollectWithoutSignal, Hosts: []string{"club.example"}, Writes: []string{"interest/*"}, Identity: Own, Secret: string(testSecret)},
		}
	})
	h.SetMemberships(published{"site/shop"})
	b, u := h.newUser(t)
	b.get("s=news&l=interest/tennis,interest/01")
	b.get("s=shop&l=place/italy")
	ana := "&k=ana&h=" + SignID(testSecret, "club", "ana")
	b.get("s=club&l=interest/02" + ana)
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	const none = "[] []"
	gpc := func(h *Hit) { h.GPC = true }
	for _, c := range []struct {
		name, query, origin string
		change              func(*Hit)
		status              int
		want                string
	}{
		{"own labels", "s=news", "https://news.example", nil, 200, "[interest/01 interest/tennis] []"},
		{"another site's own", "s=shop", "https://shop.example", nil, 200, "[place/italy] [fans]"},
		{"a site that may write all", "s=all", "https://all.example", nil, 200, none},
		{"from another site's page", "s=news", "https://shop.example", nil, 403, ""},
		{"from a page of nobody", "s=news", "null", nil, 403, ""},
		{"from a page of a longer name", "s=news", "https://news.example.evil.example", nil, 403, ""},
		{"from no page", "s=news", "", nil, 403, ""},
		{"by a script element", "s=news", "", func(h *Hit) { h.Referer = []byte("https://news.example/") }, 403, ""},
		{"from the same origin", "s=news", "", func(h *Hit) { h.SameOrigin = true }, 200, "[interest/01 interest/tennis] []"},
		{"of no site", "s=golf", "https://news.example", nil, 403, ""},
		{"a header broken in two", "s=news", "https://news.example\r\nX: y", nil, 403, ""},
		{"without a cookie", "s=news", "https://news.example", func(h *Hit) { h.Cookies = nil }, 200, none},
		{"with a forged cookie", "s=news", "https://news.example", func(h *Hit) { h.Cookies = [][]byte{[]byte("sosie=uAAAA")} }, 200, none},
		{"with gpc", "s=news&gpc=1", "https://news.example", nil, 200, none},
		{"over plain HTTP, of a page over TLS", "s=news", "https://news.example:8443", nil, 200, "[interest/01 interest/tennis] []"},
		{"over TLS, of a page that anybody on the way may write", "s=news", "http://news.example", func(h *Hit) { h.Secure = true }, 403, ""},
		{"with Sec-GPC", "s=news", "https://news.example", gpc, 200, none},
		{"with a consent string", "s=news&gdpr_consent=CQ", "https://news.example", nil, 200, none},
		{"who has signed in", "s=club" + ana, "https://club.example", nil, 200, "[interest/02] []"},
		{"who has not", "s=club&k=ana&h=00", "https://club.example", nil, 200, none},
		{"whom nobody has met", "s=club&k=bob&h=" + SignID(testSecret, "club", "bob"), "https://club.example", nil, 200, none},
		{"where nothing is collected", "s=quiet", "https://quiet.example", nil, 200, none},
	} {
		b.change = func(h *Hit) {
			h.Path, h.Origin = []byte(MePath), []byte(c.origin)
			if c.change != nil {
				c.change(h)
			}
		}
		r := b.get(c.query)
		if r.Status != c.status {
			t.Errorf("%s: answer %d, want %d", c.name, r.Status, c.status)
			continue
		}
		if c.status != 200 {
			if len(r.Body) > 0 || len(r.AllowOrigin) > 0 || !r.Guarded {
				t.Errorf("%s: a refusal tells %q to %q", c.name, r.Body, r.AllowOrigin)
			}
			continue
		}
		if string(r.AllowOrigin) != c.origin || !r.Guarded || len(r.SetCookie) > 0 {
			t.Errorf("%s: allowed %q, guarded %v, Set-Cookie %q", c.name, r.AllowOrigin, r.Guarded, r.SetCookie)
		}
		var got Me
		if err := json.Unmarshal(r.Body, &got); err != nil || got.At.IsZero() || got.Labels == nil || got.Segments == nil {
			t.Fatalf("%s: %s, %v", c.name, r.Body, err)
		}
		if text := sprint(got.Labels) + " " + sprint(got.Segments); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
	// An opt-out is at once in force, before any view shows it.
	b.change = gpc
	b.get("s=news")
	b.change = func(h *Hit) { h.Path, h.Origin = []byte(MePath), []byte("https://shop.example") }
	var got Me
	if err := json.Unmarshal(b.get("s=shop").Body, &got); err != nil || len(got.Labels)+len(got.Segments) > 0 {
		t.Errorf("after an opt-out of user %d: %+v, %v", u, got, err)
	}
}
