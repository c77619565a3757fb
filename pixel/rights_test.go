package pixel

import (
	"strings"
	"testing"
)

func TestRights(t *testing.T) {
	byKey := map[string]*site{}
	for _, s := range []Site{
		{Key: "shop", Writes: []string{"interest/*", "bought/racket"}},
		{Key: "all"},
		{Key: "fresh", Writes: []string{"a/b"}, Create: "fresh/"},
	} {
		ready, err := s.ready()
		if err != nil {
			t.Fatal(err)
		}
		byKey[s.Key] = ready
	}
	var p Pixel
	p.sites.Store(&byKey)
	for _, c := range []struct {
		site, name  string
		label, tree bool
	}{
		{"shop", "interest/tennis", true, false}, {"shop", "bought/racket", true, false}, {"shop", "bought/ball", false, false},
		{"shop", "interest/", true, true}, {"shop", "interest/sport/", true, true}, {"shop", "bought/", false, false}, {"shop", "inter/", false, false},
		{"all", "anything/", true, true}, {"fresh", "fresh/x/", true, true}, {"fresh", "a/", false, false}, {"none", "interest/", false, false},
	} {
		if got := p.MayWrite(c.site, c.name); got != c.label {
			t.Errorf("%s writes %s: %v", c.site, c.name, got)
		}
		if !strings.HasSuffix(c.name, "/") {
			continue
		}
		if got := p.MayWriteAll(c.site, c.name); got != c.tree {
			t.Errorf("%s writes all of %s: %v", c.site, c.name, got)
		}
	}
}
