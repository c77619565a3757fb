package dmp

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sosie/pixel/place"
	"sosie/storage"
)

// journal is a log that tests read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// take returns what was written since the last take.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := j.buf.String()
	j.buf.Reset()
	return text
}

// TestLogHoldsNobody: hits of every kind, wrong ones too, leave nothing of the
// browser in the log of a run.
func TestLogHoldsNobody(t *testing.T) {
	for _, form := range []string{LogText, LogJSON} {
		c := testConfig(t)
		c.TrustedProxies = []Network{Network(netip.MustParsePrefix("127.0.0.0/8"))}
		c.Log, c.LogLevel = form, "debug"
		d := mustOpen(t, c)
		j := &journal{}
		d.LogTo(c.Logger(j))
		s := serveOpened(t, d)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for _, path := range []string{"/p.gif?s=shop&u=https://shop.example/secret-page", "/p.gif?s=nobody-knows", "/other-path", "/p.gif?s=shop&l=%zz"} {
			r, err := http.NewRequest(http.MethodGet, s.pixel+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", "Secret-Agent/7")
			r.Header.Set("Referer", "https://search.example/?q=secret-words")
			r.Header.Set("X-Forwarded-For", "203.0.113.77")
			r.Header.Set("Cookie", "sosie=secret-cookie")
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		if _, err := s.client.Labels(t.Context(), "interest/secret-label"); err != nil {
			t.Fatal(err)
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		log := j.take()
		for _, secret := range []string{"203.0.113", "ecret", "search.example", "shop.example", "nobody-knows", "other-path"} {
			if strings.Contains(log, secret) {
				t.Errorf("%s: the log holds %q: %s", form, secret, log)
			}
		}
		for _, said := range []string{"serving", "stopping", "stopped"} {
			if !strings.Contains(log, said) {
				t.Errorf("%s: the log does not say %q: %s", form, said, log)
			}
		}
		if json := strings.HasPrefix(log, "{"); json != (form == LogJSON) {
			t.Errorf("%s: %s", form, log)
		}
	}
}

// plainLog is a log without times.
func plainLog(j *journal) *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// TestWarningsAreLoggedOnce: when they begin, whatever becomes of their text, and
// when they end.
func TestWarningsAreLoggedOnce(t *testing.T) {
	j := &journal{}
	w := &watch{log: plainLog(j), warned: map[storage.Topic]string{}}
	room := func(text string) storage.Warning { return storage.Warning{Topic: storage.AboutRoom, Text: text} }
	clock := storage.Warning{Topic: storage.AboutClock, Text: "clock"}
	for _, row := range []struct {
		now  []storage.Warning
		want string
	}{
		{nil, ""},
		{[]storage.Warning{room("300 MiB free")}, "level=ERROR msg=\"300 MiB free\" about=room\n"},
		{[]storage.Warning{room("299 MiB free"), clock}, "level=WARN msg=clock about=clock\n"},
		{[]storage.Warning{clock}, "level=INFO msg=\"no longer: 299 MiB free\" about=room\n"},
		{nil, "level=INFO msg=\"no longer: clock\" about=clock\n"},
	} {
		w.warnings(row.now)
		if got := j.take(); got != row.want {
			t.Errorf("%v: %q, want %q", row.now, got, row.want)
		}
	}
}

func TestWatchTellsOfDaysAndPlaces(t *testing.T) {
	d := mustOpen(t, testConfig(t))
	j := &journal{}
	w := &watch{d: d, log: plainLog(j), warned: map[storage.Topic]string{}, day: d.store.View().Stamp().Day - 1, evicted: 7}
	w.look()
	if got := j.take(); !strings.Contains(got, "a day began") || !strings.Contains(got, "let go from memory") {
		t.Errorf("got %q", got)
	}
	w.look()
	if got := j.take(); got != "" {
		t.Errorf("said again: %q", got)
	}
}

// TestPlacesMustBeRight: a file of places that cannot be used is refused by
// --check and at the start.
func TestPlacesMustBeRight(t *testing.T) {
	c := testConfig(t)
	c.Places = filepath.Join(t.TempDir(), "none.mmdb")
	for range 2 {
		if err := c.Check(); err == nil || Hint(err) == "" {
			t.Errorf("check: %v", err)
		}
		if _, err := Open(c); err == nil || Hint(err) == "" || !strings.Contains(err.Error(), c.Places) {
			t.Errorf("open: %v", err)
		}
		if err := os.WriteFile(c.Places, []byte("no places"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := place.Check(c.Places); err == nil {
		t.Error("no places are places")
	}
}
