package pixel

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
)

func TestParseQuery(t *testing.T) {
	for _, c := range []struct {
		raw, site, labels string
		malformed, excess int
	}{
		{"", "", "", 0, 0},
		{"s=a", "a", "", 0, 0},
		{"s=a&l=b,c", "a", "b c", 0, 0},
		{"l=b&s=a&l=c", "a", "b c", 0, 0},
		{"s=A%42c&l=D%2Ce", "abc", "d e", 0, 0},
		{"s=a+b", "a b", "", 0, 0},
		{"s=&l=", "", "", 0, 0},
		{"s&l", "", "", 0, 0},
		{"s&s=a", "", "", 1, 0},
		{"ss=a&ll=b&S=c&L=d", "", "", 0, 0},
		{"s=a&s=b", "a", "", 1, 0},
		{"s=%&s=b", "", "", 1, 0},
		{"s=a&l=%,b%4,%4g,c", "a", "c", 3, 0},
		{"s=a&l=%%41,b", "a", "b", 1, 0},
		{"s=a&l=b,c,d,e,f", "a", "b c d", 0, 2},
		{"s=a&l=,b,,c,", "a", "b c", 0, 0},
		{"&&s=a&&l=b&&", "a", "b", 0, 0},
		{"s=a=b", "a=b", "", 0, 0},
	} {
		var q query
		for range 2 { // the second time with memory of the first
			q.parse([]byte(c.raw), 3)
			labels := string(bytes.Join(q.labels, []byte{' '}))
			if string(q.site) != c.site || labels != c.labels || q.malformed != c.malformed || q.excess != c.excess {
				t.Errorf("parse(%q) = %q, %q, %d malformed, %d excess", c.raw, q.site, labels, q.malformed, q.excess)
			}
		}
	}
}

// FuzzQuery holds the parser against the standard library's, where that can
// read the query at all.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "s=news&l=interest/tennis,place/italy", "s=%41&l=%2C%2f", "s=a&s=b", "l=%", "&=&s&l=+"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var q query
		input := bytes.Clone(raw)
		q.parse(raw, 8)
		if !bytes.Equal(raw, input) {
			t.Fatal("parse changes its input")
		}
		if len(q.labels) > 8 || len(q.text) > len(raw) {
			t.Fatalf("%d labels, %d bytes from %d", len(q.labels), len(q.text), len(raw))
		}
		values, err := url.ParseQuery(string(raw))
		if err != nil || strings.Contains(string(raw), ";") {
			return
		}
		if want := lower(values.Get("s")); plainKeys(raw) && string(q.site) != want {
			t.Errorf("site of %q = %q, want %q", raw, q.site, want)
		}
		var want []string
		for _, l := range values["l"] {
			for _, part := range strings.Split(lower(l), ",") {
				if part != "" {
					want = append(want, part)
				}
			}
		}
		if plainKeys(raw) && len(want) <= 8 && string(bytes.Join(q.labels, []byte{0})) != strings.Join(want, "\x00") {
			t.Errorf("labels of %q = %q, want %q", raw, q.labels, want)
		}
	})
}

// plainKeys reports that no key is written with escapes, which we do not read.
func plainKeys(raw []byte) bool {
	for _, pair := range bytes.Split(raw, ampersand) {
		key, _, _ := bytes.Cut(pair, equals)
		if bytes.ContainsAny(key, "%+") {
			return false
		}
	}
	return true
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
