package pixel

import "testing"

// TestOrigins asks whose page a hit comes from.
func TestOrigins(t *testing.T) {
	h := openHouse(t, func(c *Config) {
		c.Sites = []Site{
			{Key: "open", WithoutSignal: CollectWithoutSignal},
			{Key: "lenient", WithoutSignal: CollectWithoutSignal, Hosts: []string{"www.shop.example", "*.shop.example"}},
			{Key: "strict", WithoutSignal: CollectWithoutSignal, Hosts: []string{"www.shop.example", "*.shop.example"}, Strict: true},
		}
	})
	for _, c := range []struct {
		site, origin, referer, counts string
	}{
		{"open", "https://evil.example", "", "stored"},
		{"lenient", "https://www.shop.example", "", "stored"},
		{"lenient", "https://evil.example", "", "origin_foreign stored"},
		{"lenient", "", "", "origin_unknown stored"},
		{"strict", "https://www.shop.example", "", "stored"},
		{"strict", "https://WWW.Shop.Example:8443", "", "stored"},
		{"strict", "https://a.b.shop.example", "", "stored"},
		{"strict", "", "https://www.shop.example/tennis?x=1#y", "stored"},
		{"strict", "https://www.shop.example", "https://evil.example/", "stored"},
		{"strict", "https://evil.example", "https://www.shop.example/", "refused_by_origin"},
		{"strict", "https://www.shop.example.evil.example", "", "refused_by_origin"},
		{"strict", "https://www.shop.example@evil.example", "", "refused_by_origin"},
		{"strict", "https://evil.example/https://www.shop.example", "", "refused_by_origin"},
		{"strict", "https://evilshop.example", "", "refused_by_origin"},
		{"strict", "null", "", "refused_by_origin"},
		{"strict", "file:///www.shop.example", "", "refused_by_origin"},
		{"strict", "", "", "refused_by_origin"},
		{"strict", "https://[::1]", "", "refused_by_origin"},
	} {
		b, u := h.newUser(t)
		b.change = func(h *Hit) { h.Origin, h.Referer = []byte(c.origin), []byte(c.referer) }
		before := h.Counters()
		b.get("s=" + c.site)
		if got := h.counts(t, before); got != c.counts {
			t.Errorf("%s, Origin %q, Referer %q: counted %q, want %q", c.site, c.origin, c.referer, got, c.counts)
		}
		if got := h.carried(t, u, u+1); (got == "") != (c.counts == "refused_by_origin") {
			t.Errorf("%s, Origin %q, Referer %q: the user carries %q", c.site, c.origin, c.referer, got)
		}
	}
}
