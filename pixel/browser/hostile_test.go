package browser

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestHostilePages: whatever a page has done to its globals, the tag throws
// nothing into it, and tells what can still be told.
func TestHostilePages(t *testing.T) {
	s := newStage(t)
	host := "www.news.example"
	for _, c := range []struct {
		name, before string
		way          string // of the page view; empty for none
		lost         string // a parameter that cannot be told
	}{
		{"polluted objects", `Object.assign(Object.prototype, {id: 'evil', value: 9, currency: 'EVL', items: ['evil'], v: 1, q: [['tag', 'evil']], method: 'POST', body: 'evil', toJSON: null, segments: ['evil']})`, "/p", ""},
		{"polluted arrays", `Array.prototype.evil = function () { throw new Error('evil') }; Array.prototype[50] = 'evil'`, "/p", ""},
		{"no sendBeacon", `Object.defineProperty(Navigator.prototype, 'sendBeacon', {value: undefined})`, "/p.gif", ""},
		{"sendBeacon throws", `Navigator.prototype.sendBeacon = function () { throw new Error('no') }`, "/p.gif", ""},
		{"sendBeacon refuses", `Navigator.prototype.sendBeacon = function () { return false }`, "/p.gif", ""},
		{"no sendBeacon, no Image", `Navigator.prototype.sendBeacon = undefined; window.Image = undefined`, "", ""},
		{"cookies and storage throw", `Object.defineProperty(Document.prototype, 'cookie', {get: function () { throw new Error('no') }});
			Object.defineProperty(window, 'localStorage', {get: function () { throw new Error('no') }})`, "/p", ""},
		{"referrer throws", `Object.defineProperty(Document.prototype, 'referrer', {get: function () { throw new Error('no') }})`, "/p", "r"},
		{"title throws", `Object.defineProperty(Document.prototype, 'title', {get: function () { throw new Error('no') }})`, "/p", "t"},
		{"querySelector throws", `Document.prototype.querySelector = function () { throw new Error('no') }`, "/p", "c"},
		{"history frozen", `Object.freeze(History.prototype); Object.freeze(history)`, "/p", ""},
		{"no fetch", `window.fetch = undefined`, "/p", ""},
		{"fetch throws", `window.fetch = function () { throw new Error('no') }`, "/p", ""},
		{"no timers", `var timer = window.setTimeout; window.setTimeout = function () { throw new Error('no') }; addEventListener('load', function () { window.setTimeout = timer })`, "/p", ""},
		{"sosie is a constant", `Object.defineProperty(window, 'sosie', {value: function () {}, writable: false})`, "", ""},
		{"sosie is an element", `document.addEventListener('DOMContentLoaded', function () {}); Object.defineProperty(window, 'sosie', {value: document, writable: true})`, "/p", ""},
		{"privacy control throws", `Object.defineProperty(navigator, 'globalPrivacyControl', {get: function () { throw new Error('no') }})`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			s.page(host+"/from", `<a href="/hostile">on</a>`)
			s.page(host+"/hostile", `<title>hostile</title><link rel="canonical" href="/right">`+s.tagOf("news", ""))
			b := open(t, s.browser)
			b.visit(s.at(host, "/from"))
			b.first(c.before)
			b.leave(`document.querySelector('a').click()`)
			if c.way == "" {
				s.none()
			} else {
				h := s.take(1)[0]
				want := map[string]string{"s": "news", "u": s.at(host, "/hostile"), "r": s.at(host, "/from"), "t": "hostile", "c": s.at(host, "/right")}
				delete(want, c.lost)
				h.wants(t, want)
				if h.way != c.way {
					t.Errorf("came by %s, want %s", h.way, c.way)
				}
			}
			if c.way == "/p" {
				b.do(`sosie('event', 'cart', {other: 1})`)
				s.take(1)[0].wants(t, map[string]string{"s": "news", "e": "cart", "u": s.at(host, "/hostile")})
				b.do(`sosie('segments', function (names) { got = names.join() + ';' })`)
				got := "of-news;"
				if strings.Contains(c.name, "fetch") {
					got = ";"
				}
				b.wait(`window.got == '` + got + `'`)
			}
			s.none()
			b.quiet()
		})
	}
}

// TestContentSecurityPolicy: the line that README gives lets the tag through, and
// where a policy forbids the pixel the page gets no exception of it.
func TestContentSecurityPolicy(t *testing.T) {
	s := newStage(t)
	host := "www.news.example"
	pixel := s.at("p.pixel.example", "")
	body := `<title>strict</title><script async src="` + pixel + `/v1/tag.js" data-site="news"></script>`
	for path, policy := range map[string]string{
		"/allowed":   "default-src 'none'; script-src " + pixel + "; connect-src " + pixel + "; img-src " + pixel,
		"/forbidden": "default-src 'none'; script-src " + pixel,
	} {
		s.pages.Store(host+path, &response{body: body, header: map[string]string{"Content-Security-Policy": policy}})
	}
	b := open(t, s.browser)
	b.visit(s.at(host, "/allowed"))
	s.take(1)[0].wants(t, map[string]string{"s": "news", "u": s.at(host, "/allowed"), "t": "strict"})
	b.quiet()
	b.visit(s.at(host, "/forbidden"))
	b.wait(`window.sosie && sosie.v`)
	s.none()
	b.quiet("Content Security Policy")
}

// TestServerDown: a page with the snippet for site owners does not wait for a pixel
// that is not there, nor for one that takes connections and never answers.
func TestServerDown(t *testing.T) {
	s := newStage(t)
	host := "www.news.example"
	snippet, err := os.ReadFile("../tag/snippet.html")
	if err != nil {
		t.Fatal(err)
	}
	for path, port := range map[string]string{"/plain": "", "/up": s.port, "/refused": closedPort(t), "/silent": silentPort(t, s.certificate)} {
		body := `<title>page</title><p>text</p>`
		if port != "" {
			body = strings.ReplaceAll(string(snippet), "https://p.example.com", "https://p.pixel.example:"+port) +
				body + `<script>sosie('tag', 'interest/tennis')</script>`
		}
		s.page(host+path, body)
	}
	b := open(t, s.browser)
	load := func(path string) time.Duration {
		best := time.Hour
		for range 3 {
			b.visit(s.at(host, path))
			ms := ask[float64](b, `performance.getEntriesByType('navigation')[0].loadEventEnd`)
			best = min(best, time.Duration(ms*float64(time.Millisecond)))
		}
		return best
	}
	b.visit(s.at(host, "/up"))
	for _, h := range s.take(2) { // the snippet does work, and the connection is open
		if h.Get("s") != "shop" || h.Get("u") != s.at(host, "/up") && h.Get("l") != "interest/tennis" {
			t.Errorf("came %s", h.Encode())
		}
	}
	plain := load("/plain")
	for _, path := range []string{"/refused", "/silent"} {
		took := load(path)
		t.Logf("%s loads in %v, a page without the tag in %v", path, took, plain)
		// A page that waited for the silent server would wait for ever.
		if took > plain+time.Second {
			t.Errorf("%s loads in %v, a page without the tag in %v", path, took, plain)
		}
	}
	b.quiet("net::ERR_")
}

// closedPort is a port where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// silentPort is a server that reads requests and never answers.
func silentPort(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	over := make(chan struct{})
	port := serveTLS(t, certificate, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-over:
		}
	}))
	t.Cleanup(func() { close(over) }) // before the server waits for its handlers
	return port
}
