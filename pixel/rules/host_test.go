package rules

import "testing"

func TestHosts(t *testing.T) {
	h, err := ParseHosts([]string{"www.shop.example", "*.news.example", "10.0.0.1", "::1", "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"www.shop.example": true, "WWW.Shop.Example:8080": true, "www.shop.example.": true,
		"shop.example": false, "www.shop.example.evil.example": false, "xwww.shop.example": false,
		"a.news.example": true, "a.b.news.example:443": true, "news.example": false, "xnews.example": false,
		"10.0.0.1": true, "10.0.0.1:80": true, "[::1]:8080": true, "[::1]": true, "::1": true, "localhost:1": true,
		"": false, ".": false, ":80": false, "[": false,
	} {
		if got := h.Has([]byte(host)); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
	if (Hosts{}).Has([]byte("a")) || !(Hosts{}).Empty() || h.Empty() {
		t.Error("the zero value has hosts, or the set has none")
	}
	host := []byte("A.B.news.example:443")
	if n := testing.AllocsPerRun(100, func() { h.Has(host) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBadHosts(t *testing.T) {
	for _, p := range []string{"", "*", "*.", ".shop", "shop.", "a..b", "Shop.example", "shop.example:80", "https://shop.example", "shop.example/x", "a*.example", "müller.example", "*.::1", "1::0:0:1"} {
		if _, err := ParseHosts([]string{"ok.example", p}); err == nil {
			t.Errorf("%q passes", p)
		}
	}
}
