package dmp

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sosie/pixel"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp starts the first once for the whole process; the second ends
		// up to ten seconds after its server.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// testConfig is a configuration in a directory of its own.
func testConfig(t *testing.T) Config {
	dir := t.TempDir()
	return Config{
		Data: filepath.Join(dir, "data"), Keys: filepath.Join(dir, "keys"), Listen: "127.0.0.1:0",
		Sites:  []pixel.Site{{Key: "shop", WithoutSignal: "collect"}},
		Labels: []Label{{Name: "interest/tennis"}, {Name: "bought/racket"}},
	}
}

func mustOpen(t *testing.T, c Config) *DMP {
	t.Helper()
	d, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// serving is a DMP that serves until the test ends.
type serving struct {
	*DMP
	client *Client
	pixel  string
	stop   func() error
}

func serve(t *testing.T, c Config) *serving {
	t.Helper()
	return serveOpened(t, mustOpen(t, c))
}

func serveOpened(t *testing.T, d *DMP) *serving {
	t.Helper()
	s := &serving{DMP: d}
	ctx, cancel := context.WithCancel(t.Context())
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() {
		served <- s.Serve(ctx, func(pixel net.Addr) { ready <- "http://" + pixel.String() })
	}()
	var result error
	ended := false
	s.stop = func() error {
		if cancel(); !ended {
			result, ended = <-served, true
		}
		return result
	}
	select {
	case s.pixel = <-ready:
	case result = <-served:
		t.Fatalf("serve: %v", result)
	}
	client, err := Dial(t.Context(), d.config.Data)
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// browser is one browser with its cookies.
type browser struct {
	t      *testing.T
	client http.Client
	pixel  string
}

func newBrowser(t *testing.T, pixel string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, pixel: pixel, client: http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}}
}

func (b *browser) hit(labels string) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.pixel+"/p.gif?s=shop&l="+labels, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b.t.Fatalf("hit: %s", answer.Status)
	}
}
