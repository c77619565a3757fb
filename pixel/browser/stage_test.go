package browser

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sosie/pixel/tag"
)

// stage is one server that is all hosts: pages by host and path, and on
// p.pixel.example a stand-in of the pixel that notes every hit.
type stage struct {
	t           *testing.T
	browser     context.Context
	port        string
	certificate tls.Certificate
	pages       sync.Map // host and path → *response
	prefix      string   // under which www.news.example passes requests on to the pixel

	mu   sync.Mutex
	hits []hit
}

// response is a page and its headers.
type response struct {
	body   string
	header map[string]string
}

// hit is one line of a beacon, or the query of an image.
type hit struct {
	url.Values
	way    string // the path it came by
	header http.Header
}

func newStage(t *testing.T) *stage {
	certificate, pin := authority(t)
	s := &stage{t: t, browser: chrome(t, pin, allowed), prefix: "/sosie", certificate: certificate}
	s.port = serveTLS(t, certificate, s)
	return s
}

// serveTLS serves over TLS until the test ends, and returns the port.
func serveTLS(t *testing.T, certificate tls.Certificate, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers hang up as they like
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// at is the address of a path on a host.
func (s *stage) at(host, path string) string { return "https://" + host + ":" + s.port + path }

// page puts a page on a host.
func (s *stage) page(address, body string) { s.pages.Store(address, &response{body: body}) }

// ServeHTTP answers for all hosts.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	path, proxied := strings.CutPrefix(r.URL.Path, s.prefix+"/")
	switch {
	case host == "p.pixel.example":
		s.pixel(w, r, r.URL.Path)
	case proxied:
		s.pixel(w, r, "/"+path)
	default:
		page, ok := s.pages.Load(host + r.URL.Path)
		if !ok {
			// Browsers ask for an icon on their own.
			w.WriteHeader(http.StatusNoContent)
			return
		}
		for name, value := range page.(*response).header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page.(*response).body)
	}
}

// pixel stands in for the pixel.
func (s *stage) pixel(w http.ResponseWriter, r *http.Request, path string) {
	switch path {
	case "/v1/tag.js", "/tag.js":
		v := tag.Choose([]byte(r.Header.Get("Accept-Encoding")))
		w.Header().Set("Content-Type", tag.ContentType)
		if v.Encoding != "" {
			w.Header().Set("Content-Encoding", v.Encoding)
		}
		w.Write(v.Body)
	case "/p":
		body, err := io.ReadAll(io.LimitReader(r.Body, 8<<10+1))
		lines := strings.Split(string(body), "\n")
		if err != nil || len(body) > 8<<10 || len(lines) > 16 || r.Method != http.MethodPost ||
			!strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
			s.t.Errorf("beacon: %s of %d bytes, %d lines, %s: %v", r.Method, len(body), len(lines), r.Header.Get("Content-Type"), err)
		}
		s.note(r, lines...)
		w.WriteHeader(http.StatusNoContent)
	case "/p.gif":
		s.note(r, r.URL.RawQuery)
		w.Header().Set("Content-Type", "image/gif")
		io.WriteString(w, "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	case "/v1/me":
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"labels":[],"segments":["of-%s"],"at":"2026-01-02T03:04:05Z"}`, r.FormValue("s"))
	default:
		s.t.Errorf("the pixel has no %s", path)
	}
}

func (s *stage) note(r *http.Request, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		values, err := url.ParseQuery(line)
		if err != nil {
			s.t.Errorf("line %q: %v", line, err)
		}
		s.hits = append(s.hits, hit{values, r.URL.Path, r.Header})
	}
}

// take waits for n hits and takes them, the oldest first. That there are no more
// shows in the next call, or in none.
func (s *stage) take(n int) []hit {
	s.t.Helper()
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		if len(s.hits) >= n {
			taken := s.hits[:n:n]
			s.hits = s.hits[n:]
			s.mu.Unlock()
			return taken
		}
		have := len(s.hits)
		s.mu.Unlock()
		if time.Now().After(deadline) {
			s.t.Fatalf("%d hits, want %d", have, n)
		}
	}
}

// none fails if a hit comes within a while, in which one would have come.
func (s *stage) none() {
	s.t.Helper()
	time.Sleep(400 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hits {
		s.t.Errorf("a hit that should not be: %s", h.Encode())
	}
	s.hits = nil
}

// stub is what a page has of the tag before the tag has come.
const stub = `<script>window.sosie=window.sosie||function(){(sosie.q=sosie.q||[]).push(arguments)}</script>`

// tagOf is the script element of the tag, with more attributes.
func (s *stage) tagOf(site, more string) string {
	return stub + fmt.Sprintf(`<script async src="%s" data-site="%s" %s></script>`, s.at("p.pixel.example", "/v1/tag.js"), site, more)
}

// wants fails unless a hit has exactly these parameters.
func (h hit) wants(t *testing.T, want map[string]string) {
	t.Helper()
	for key := range h.Values {
		if _, ok := want[key]; !ok {
			t.Errorf("%s=%s: want none", key, h.Get(key))
		}
	}
	for key, value := range want {
		if got := h.Get(key); got != value || len(h.Values[key]) > 1 {
			t.Errorf("%s=%q, want %q", key, h.Values[key], value)
		}
	}
}
