package rules

import (
	"errors"
	"slices"
	"testing"
)

func TestLabels(t *testing.T) {
	set, err := Compile([]Rule{
		{"/", []string{"page/root"}},
		{"/shuttle/*", []string{"page/shuttle"}},
		{"/shuttle/missions/*", []string{"page/missions", "interest/space"}},
		{"/*", []string{"page/any"}},
		{"/shuttle/countdown.html", []string{"page/countdown"}},
		{"/shuttle/countdown.html", []string{"page/clock"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/":                       {"page/root", "page/any"},
		"/index.html":             {"page/any"},
		"/shuttle":                {"page/any"},
		"/shuttle/":               {"page/shuttle", "page/any"},
		"/shuttle/missions/sts/":  {"page/shuttle", "page/missions", "interest/space", "page/any"},
		"/shuttle/countdown.html": {"page/countdown", "page/clock", "page/shuttle", "page/any"},
		"":                        nil,
	} {
		for range 2 { // a second look must not find what the first left behind
			if got := set.Labels([]byte(path)); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
		}
	}
	if got := (Set{}).Labels([]byte("/")); got != nil {
		t.Errorf("no rules: %v", got)
	}
}

func TestBadRules(t *testing.T) {
	for _, r := range []Rule{
		{"", []string{"a"}}, {"shuttle/*", []string{"a"}}, {"/shuttle*", []string{"a"}}, {"/a/*/b", []string{"a"}},
		{"/a?b", []string{"a"}}, {"/a", nil}, {"/a", []string{"A"}}, {"/a", []string{"seen"}}, {"/a", []string{"site/shop"}},
	} {
		if _, err := Compile([]Rule{r}); !errors.Is(err, ErrBadRule) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
