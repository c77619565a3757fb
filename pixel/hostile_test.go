package pixel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestStrangersLeaveNothing sends made-up labels, sites, cookies, agents and
// addresses: neither users nor the dictionary nor a table grows.
func TestStrangersLeaveNothing(t *testing.T) {
	hits := 100_000
	if testing.Short() {
		hits = 5_000
	}
	h := openHouse(t, func(c *Config) {
		c.Limits.Addresses, c.Limits.Agents, c.Limits.AgentsPerHour = 1024, 1024, 10
	})
	b, u := h.newUser(t)
	labels, sites := h.store.Labels().Len(), len(*h.sites.Load())
	random := rand.New(rand.NewPCG(1, 2))
	bytesOf := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(random.Uint32())
		}
		return out
	}
	r := new(Reply)
	known := []byte(browserAgent)
	h.robots.check(&Hit{Agent: known}, 0)
	var was uint64
	for i := range hits {
		hit := &Hit{Path: []byte(Path), Agent: known, Client: netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i))))}
		switch i % 6 {
		case 0: // labels nobody declared, now and then of a user
			hit.Query = fmt.Appendf(nil, "s=news&l=interest/%x,bought/%x", random.Uint64(), i)
			if i%60 == 0 {
				hit.Cookies = [][]byte{[]byte(CookieName + "=" + b.cookie)}
			}
		case 1: // a site nobody knows
			hit.Query = fmt.Appendf(nil, "s=site-%x&l=interest/tennis", random.Uint64())
		case 2: // a cookie nobody sealed
			hit.Query = []byte("s=news&l=interest/tennis")
			hit.Cookies = [][]byte{fmt.Appendf(nil, "%s=u%032x", CookieName, random.Uint64())}
		case 3: // a browser that refuses cookies
			hit.Query = []byte("s=news&l=interest/tennis")
		case 4: // an agent nobody met, of one network
			hit.Query = []byte("s=news&l=interest/tennis")
			hit.Client, hit.Agent = netip.AddrFrom4([4]byte{192, 0, 2, 1}), fmt.Appendf(nil, "agent %d", i)
		case 5: // noise
			hit.Query = append([]byte("s=news&"), bytesOf(random.IntN(300))...)
			hit.Cookies = [][]byte{bytesOf(random.IntN(300))}
		}
		h.Answer(hit, r)
		if now := h.Counters().Hits; now != was+1 {
			t.Fatalf("hit %d is counted %d times", i, now-was)
		}
		was++
	}
	if got := h.store.HighWater(); got != u+1 {
		t.Errorf("%d users were made", got-u-1)
	}
	if got := h.store.Labels().Len(); got != labels {
		t.Errorf("the dictionary has %d labels, had %d", got, labels)
	}
	if got := len(*h.sites.Load()); got != sites {
		t.Errorf("there are %d sites, were %d", got, sites)
	}
	if got := len(h.robots.sets) * robotsWays; got != 1024 {
		t.Errorf("there are %d verdicts on agents, were 1024", got)
	}
	if got := len(h.claims.sets) * ratesWays; got != 1024 {
		t.Errorf("the limits remember %d networks, were 1024", got)
	}
	if got := h.carried(t, u, u+1); got != "seen site/news" {
		t.Errorf("the user carries %q", got)
	}
	if c := h.Counters(); c.AgentUnchecked == 0 || c.LabelUnknown == 0 || c.CookieForged == 0 || c.UnknownSite == 0 {
		t.Errorf("counters %+v", c)
	}
}

// FuzzAnswer answers any hit at all.
func FuzzAnswer(f *testing.F) {
	h := openHouse(f, func(c *Config) { c.Sites = testSites[:3] }) // none that makes users of first hits
	b, _ := h.newUser(f)
	users := h.store.HighWater()
	f.Add([]byte("s=news&l=interest/tennis"), []byte(CookieName+"="+b.cookie), []byte(browserAgent), uint8(0))
	f.Add([]byte("s=quiet"), []byte("sosie_optout=1"), []byte("curl"), uint8(255))
	f.Add([]byte("s=news&e=cart\ns=news&u=https%3A//a/b\r\n"), []byte("a=b"), []byte("https://a.example"), uint8(96))
	f.Add([]byte("s=news&l=bought/racket&x=1&g=00"), []byte("a=b"), []byte("https://[::1"), uint8(0))
	f.Fuzz(func(t *testing.T, query, cookie, agent []byte, flags uint8) {
		r := new(Reply)
		before := h.Counters().Hits
		hit := &Hit{Path: []byte(Path), Query: query, Cookies: [][]byte{cookie}, Agent: agent, Client: netip.IPv6Loopback(),
			Head: flags&1 != 0, Prefetch: flags&2 != 0, GPC: flags&4 != 0, Secure: flags&8 != 0, Body: flags&16 != 0,
			Origin: agent, Referer: query}
		if flags&32 != 0 {
			hit.Path, hit.Query, hit.Post, hit.Posted = []byte(BeaconPath), nil, true, query
		}
		if flags&64 != 0 {
			h.Answer(&Hit{Path: []byte(MePath), Query: query, Cookies: [][]byte{cookie}, Origin: agent}, new(Reply))
		}
		h.Answer(hit, r)
		if r.Status != 200 && r.Status != 403 && r.Status != 204 {
			t.Errorf("answer %d", r.Status)
		}
		if (r.Status == 200) != bytes.Equal(r.Body, gif) {
			t.Errorf("answer %d with %d bytes", r.Status, len(r.Body))
		}
		if got := h.Counters().Hits - before; got != 1 {
			t.Errorf("counted as %d hits", got)
		}
		if got := h.store.HighWater(); got != users {
			t.Errorf("%d users were made", got-users)
		}
		for _, c := range r.SetCookie {
			if c < ' ' || c > '~' {
				t.Errorf("Set-Cookie %q", r.SetCookie)
			}
		}
	})
}

// TestReplyIsReusable sees that nothing of one answer shows in the next.
func TestReplyIsReusable(t *testing.T) {
	h := openHouse(t)
	b, u := h.newUser(t)
	r := new(Reply)
	own := [][]byte{[]byte(CookieName + "=" + b.cookie)}
	for i, c := range []struct {
		hit    Hit
		status int
		cookie bool
	}{
		{Hit{Path: []byte(Path), Query: []byte("s=first&l=interest/tennis")}, 200, true},
		{Hit{Path: []byte(Path), Query: []byte("s=news"), Cookies: own}, 200, false},
		{Hit{Path: []byte(Path), Query: []byte("s=golf")}, 403, false},
		{Hit{Path: []byte(HealthPath)}, 200, false},
		{Hit{Path: []byte("/")}, 404, false},
		{Hit{Path: []byte(Path), Query: []byte("s=news"), Cookies: own}, 200, false},
	} {
		h.Answer(&c.hit, r)
		if r.Status != c.status || len(r.SetCookie) > 0 != c.cookie || r.RetryAfter != 0 || (c.status != 200) != (len(r.Body) == 0) {
			t.Errorf("answer %d: %d, Set-Cookie %q, body of %d bytes", i, r.Status, r.SetCookie, len(r.Body))
		}
	}
	if got := h.carried(t, u, u+2); got != "seen site/news; interest/tennis seen site/first" {
		t.Errorf("users carry %q", got)
	}
}
