package pixel

import (
	"net/http"
	"strings"
	"testing"
)

func TestScanCookies(t *testing.T) {
	for _, c := range []struct {
		headers, values string
		optOut          bool
	}{
		{"", "", false},
		{"sosie=a", "a", false},
		{"x=1; sosie=a; y=2", "a", false},
		{"x=1;sosie=a;y=2", "a", false},
		{"x=1|sosie=a", "a", false},
		{"sosie=a|sosie=b", "a b", false},
		{"sosie=a; sosie=b; sosie=c; sosie=d; sosie=e", "a b c d", false},
		{"xsosie=a; sosies=b; Sosie=c", "", false},
		{"x=sosie=a", "", false},
		{"sosie", "", false},
		{"sosie=a=b", "a=b", false},
		{"sosie=a \t; y=2", "a", false},
		{"sosie_optout=1", "", true},
		{"sosie_optout=1|sosie_optout=0", "", true},
		{"sosie_optout=0; sosie=a|sosie_optout=1", "a", true},
		{"sosie_optout=true", "", false},
		{"sosie_optout=11", "", false},
		{"sosie_optout", "", false},
		{"sosie_optouts=1", "", false},
	} {
		var got cookies
		got.scan(split(c.headers), CookieName)
		var values []string
		for _, v := range got.candidates[:got.count] {
			values = append(values, string(v))
		}
		if strings.Join(values, " ") != c.values || got.optOut != c.optOut {
			t.Errorf("scan(%q) = %q, opt-out %v, want %q, %v", c.headers, values, got.optOut, c.values, c.optOut)
		}
	}
}

func split(headers string) (out [][]byte) {
	for _, h := range strings.Split(headers, "|") {
		out = append(out, []byte(h))
	}
	return out
}

// FuzzCookieHeader holds the scanner against the standard library's reading of
// the same header, where that reads the same cookies, and answers a hit that
// carries it.
func FuzzCookieHeader(f *testing.F) {
	h := openHouse(f)
	b, _ := h.newUser(f)
	f.Add("sosie="+b.cookie, "sosie_optout=1")
	f.Add("a=b; sosie=x; ;;=", "sosie =1")
	f.Add("sosie=", strings.Repeat("sosie=u;", 100))
	f.Fuzz(func(t *testing.T, first, second string) {
		headers := split(first + "|" + second)
		var got cookies
		got.scan(headers, CookieName)
		want, err := http.ParseCookie(first)
		if err == nil && !strings.Contains(first, `"`) && !strings.Contains(first, "|") && second == "" {
			var values []string
			for _, c := range want {
				if c.Name == CookieName && len(values) < maxCandidates {
					values = append(values, c.Value)
				}
			}
			if len(values) != got.count {
				t.Fatalf("scan(%q) finds %d cookies, want %d", first, got.count, len(values))
			}
			for i, v := range values {
				if string(got.candidates[i]) != v {
					t.Errorf("scan(%q) = %q, want %q", first, got.candidates[i], v)
				}
			}
		}
		r := new(Reply)
		h.Answer(&Hit{Path: []byte(Path), Query: []byte("s=quiet"), Cookies: headers, GPC: true}, r)
		if r.Status != 200 || len(r.SetCookie) > 0 {
			t.Errorf("answer %d, Set-Cookie %q", r.Status, r.SetCookie)
		}
	})
}
