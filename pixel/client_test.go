package pixel

import (
	"net/netip"
	"testing"
)

func TestClient(t *testing.T) {
	p := &Pixel{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}}
	for _, c := range []struct{ name, peer, forwarded, want string }{
		{"no header", "10.0.0.1", "", "10.0.0.1"},
		{"one hop", "10.0.0.1", "192.0.2.1", "192.0.2.1"},
		{"a hop that a stranger wrote", "10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"},
		{"two of our proxies", "10.0.0.1", "198.51.100.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"},
		{"two headers", "10.0.0.1", "198.51.100.9|192.0.2.1", "192.0.2.1"},
		{"two headers, the last ours", "10.0.0.1", "198.51.100.9, 192.0.2.1|10.0.0.2", "192.0.2.1"},
		{"all ours", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"not an address", "10.0.0.1", "192.0.2.1, unknown", "10.0.0.1"},
		{"empty hop", "10.0.0.1", "192.0.2.1,", "10.0.0.1"},
		{"port", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1"},
		{"IPv6", "10.0.0.1", "2001:db9::1", "2001:db9::1"},
		{"IPv6 in brackets", "10.0.0.1", "[2001:db9::1]", "2001:db9::1"},
		{"IPv6 with port", "10.0.0.1", "[2001:db9::1]:4711", "2001:db9::1"},
		{"IPv4 mapped", "10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"},
		{"zone", "10.0.0.1", "fe80::1%eth0", "fe80::1"},
		{"IPv6 proxy", "2001:db8::1", "192.0.2.1", "192.0.2.1"},
		{"stranger as peer", "192.0.2.7", "192.0.2.1", "192.0.2.7"},
	} {
		if got := p.client(netip.MustParseAddr(c.peer), split(c.forwarded)); got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSaysHTTPS(t *testing.T) {
	for proto, want := range map[string]bool{"https": true, "HTTPS": true, " https , http": true, "http": false, "http, https": false, "": false, "httpsx": false} {
		if got := saysHTTPS([]byte(proto)); got != want {
			t.Errorf("saysHTTPS(%q) = %v, want %v", proto, got, want)
		}
	}
}
