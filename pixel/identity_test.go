package pixel

import (
	"strings"
	"testing"
)

// TestIdentities follows a browser over two sites of each identity: whether the
// sites see one user, and what cookies it is asked to keep.
func TestIdentities(t *testing.T) {
	of := func(key, identity string) Site {
		return Site{Key: key, WithoutSignal: CollectWithoutSignal, Identity: identity}
	}
	h := openHouse(t, func(c *Config) {
		c.Sites = []Site{of("a", ""), of("b", ThirdParty), of("c", Partitioned), of("d", Partitioned), of("e", FirstParty), of("f", FirstParty)}
	})
	for _, c := range []struct {
		sites         string
		plain, secure string // cookies set
		users         string
	}{
		{"ab", "sosie HttpOnly; SameSite=Lax", "sosie HttpOnly; SameSite=None; Secure", "seen site/a site/b"},
		// The browser keeps one for each page's site; here it is asked from one page.
		{"cd", "sosie HttpOnly; SameSite=Lax", "__Host-sosie HttpOnly; SameSite=None; Secure; Partitioned", "seen site/c site/d"},
		{"ef", "sosie-e HttpOnly; SameSite=Lax", "__Host-sosie-e HttpOnly; SameSite=Lax; Secure", "seen site/e; seen site/f"},
	} {
		for _, secure := range []bool{false, true} {
			first := h.store.HighWater()
			jar := map[string]string{}
			var set string
			visit := func(site string) {
				var header []string
				for name, value := range jar {
					header = append(header, name+"="+value)
				}
				r := new(Reply)
				h.Answer(&Hit{Path: []byte(Path), Query: []byte("s=" + site), Agent: []byte(browserAgent), Secure: secure,
					Cookies: [][]byte{[]byte(strings.Join(header, "; "))}}, r)
				if len(r.SetCookie) == 0 {
					return
				}
				name, rest, _ := strings.Cut(string(r.SetCookie), "=")
				value, attributes, _ := strings.Cut(rest, "; Path=/; Max-Age=")
				jar[name] = value
				if _, attributes, _ = strings.Cut(attributes, "; "); set == "" {
					set = name + " " + attributes
				}
			}
			for range 2 {
				for _, site := range c.sites {
					visit(string(site))
				}
			}
			want := c.plain
			if secure {
				want = c.secure
			}
			if set != want {
				t.Errorf("sites %s, secure %v: cookie %q, want %q", c.sites, secure, set, want)
			}
			if got := h.carried(t, first, h.store.HighWater()); got != c.users {
				t.Errorf("sites %s, secure %v: users %q, want %q", c.sites, secure, got, c.users)
			}
		}
	}
}
