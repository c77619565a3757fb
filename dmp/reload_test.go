package dmp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reloading serves the configuration that a file says.
func reloading(t *testing.T, text string) (s *serving, write func(string)) {
	t.Helper()
	base := testConfig(t)
	path := filepath.Join(t.TempDir(), "sosie.yaml")
	write = func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reread := func() (Config, error) {
		c, err := ReadConfig(path)
		c.Data, c.Keys, c.Listen = base.Data, base.Keys, base.Listen // as flags
		return c, err
	}
	write(text)
	config, err := reread()
	if err != nil {
		t.Fatal(err)
	}
	config.Reread = reread
	return serve(t, config), write
}

const reloadBefore = `
sites: [{key: shop, without_signal: collect, count_first_hit: true, writes: [interest/*]}]
labels: [{name: interest/tennis}, {name: interest/golf}]
`

// TestReload: sites and labels change under a server that answers, all or nothing.
func TestReload(t *testing.T) {
	s, write := reloading(t, reloadBefore)
	newBrowser(t, s.pixel).hit("interest/tennis,interest/chess")
	write(`
sites: [{key: shop, without_signal: collect, count_first_hit: true, writes: [interest/*]}, {key: news}]
labels: [{name: interest/tennis}, {name: interest/chess}]
`)
	done, err := s.client.Reload(t.Context())
	if err != nil || done.Sites != 2 || done.Labels != 2 || strings.Join(done.Fresh, " ") != "interest/chess" {
		t.Fatalf("%+v, %v", done, err)
	}
	newBrowser(t, s.pixel).hit("interest/tennis,interest/chess")
	for expression, want := range map[string]uint64{"interest/tennis": 2, "interest/chess": 1, "interest/golf": 0} {
		if n, err := s.client.Count(t.Context(), expression); err != nil || n.Count != want {
			t.Errorf("%s: %d, %v, want %d", expression, n.Count, err, want)
		}
	}
	// What the file no longer says can be ended, what it says cannot.
	if err := s.client.DeleteLabel(t.Context(), "interest/golf"); err != nil {
		t.Error(err)
	}
	err = s.client.DeleteLabel(t.Context(), "interest/chess")
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(Hint(err), "sosie.yaml") {
		t.Errorf("got %v, hint %q", err, Hint(err))
	}
}

func TestReloadRefuses(t *testing.T) {
	s, write := reloading(t, reloadBefore)
	added := "  - {key: news}\n"
	for _, c := range []struct{ text, says string }{
		{"memory: 1GiB\npublic_url: https://a.example\nsites:\n" + added, "public_url, memory cannot change while the server runs"},
		{"limits: {connections: 7}\nsites:\n" + added, "limits cannot change"},
		{"sites:\n" + added + "  - {key: news}\n", `"news" occurs twice`},
		{"sites:\n  - {ky: news}\n", "line 2"},
		{"labels: [{name: seen}]\nsites:\n" + added, "reserved"},
	} {
		write(c.text)
		if _, err := s.client.Reload(t.Context()); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.says) || Hint(err) == "" {
			t.Errorf("%s: %v, hint %q, want %s", c.text, err, Hint(err), c.says)
		}
		if sites := s.declared.Load().sites; len(sites) != 1 || sites[0].Key != "shop" {
			t.Errorf("%s: in place are %v", c.text, sites)
		}
	}
	newBrowser(t, s.pixel).hit("interest/tennis")
	plain := serve(t, testConfig(t))
	if _, err := plain.client.Reload(t.Context()); !errors.Is(err, ErrConfig) || !strings.Contains(Hint(err), "--config") {
		t.Errorf("without a file: %v", err)
	}
}
