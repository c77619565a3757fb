package browser

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"sosie/audience"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/pixel/rules"
	"sosie/storage"
)

// house is a real pixel over a real store behind TLS, and the pages that embed it:
// www.news.example and www.shop.example, which also hands /sosie/ on to the pixel.
type house struct {
	t     *testing.T
	store *storage.Store
	// pages and pixel are the ports.
	pages, pixel string
	pin          string
	bodies       map[string]string
}

// secret is the one under which the site own signs.
const secret = "sixteen bytes or more"

// modes are the identities, by the first letter of their sites' keys.
var modes = map[string]string{"t": pixel.ThirdParty, "p": pixel.Partitioned, "f": pixel.FirstParty}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, bodies: map[string]string{}}
	config := pixel.Config{PublicURL: "https://p.pixel.example", Sites: []pixel.Site{{
		Key: "own", Hosts: []string{"*.shop.example"}, Identity: pixel.Own, Secret: secret, WithoutSignal: pixel.CollectWithoutSignal,
	}}}
	for letter, identity := range modes {
		for _, name := range []string{"news", "shop"} {
			config.Sites = append(config.Sites, pixel.Site{Key: letter + name, Hosts: []string{"www." + name + ".example"}, Strict: true,
				Identity: identity, WithoutSignal: pixel.CollectWithoutSignal, Writes: []string{"interest/*", "place/*", "page/*"},
				Rules: []rules.Rule{{Event: rules.Any{"cart"}, Labels: []string{"page/cart"}}, {Words: rules.Any{"racket"}, Labels: []string{"interest/tennis"}}}})
		}
	}
	var p *pixel.Pixel
	h.store, p = openPixel(t, config, "interest/tennis", "place/italy", "page/cart")
	certificate, pin := authority(t)
	h.pin = pin
	h.pixel = servePixel(t, p, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}})
	})
	h.servePages(certificate)
	return h
}

// openPixel opens a pixel over a store of its own.
func openPixel(t *testing.T, config pixel.Config, labels ...string) (*storage.Store, *pixel.Pixel) {
	t.Helper()
	dir := t.TempDir()
	store, err := storage.Open(storage.Options{Dir: filepath.Join(dir, "store"), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range labels {
		if _, err := store.Declare(storage.LabelSpec{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := identity.CreateKeys(filepath.Join(dir, "keys"), store.ID())
	if err != nil {
		t.Fatal(err)
	}
	p, err := pixel.New(config, keys, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store, p
}

// servePixel serves a pixel on a listener that wrap has wrapped, until the test
// ends, and returns the port.
func servePixel(t *testing.T, p *pixel.Pixel, wrap func(net.Listener) net.Listener) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	server, served := p.Server(), make(chan error, 1)
	go func() { served <- server.Serve(wrap(p.Listen(l))) }()
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return port
}

func (h *house) servePages(certificate tls.Certificate) {
	to := &url.URL{Scheme: "https", Host: "127.0.0.1:" + h.pixel}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // it is this test's own pixel
	h.t.Cleanup(transport.CloseIdleConnections)
	proxy := http.StripPrefix("/sosie", &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	mux := http.NewServeMux()
	mux.Handle("www.shop.example/sosie/", proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><title>%s</title>%s`, r.URL.Path[1:], h.bodies[r.URL.Path])
	})
	h.pages = serveTLS(h.t, certificate, mux)
}

// page is the address of a page of news or shop.
func (h *house) page(name, path string) string {
	return "https://www." + name + ".example:" + h.pages + path
}

// at is the address of the pixel for a site: its own host, the site's sub-domain,
// or the site's path.
func (h *house) at(key string) string {
	switch key {
	case "fnews":
		return "https://p.news.example:" + h.pixel
	case "fshop":
		return h.page("shop", "/sosie")
	}
	return "https://p.pixel.example:" + h.pixel
}

// tagOf is the tag of a site.
func (h *house) tagOf(key string) string {
	return stub + fmt.Sprintf(`<script async src="%s/v1/tag.js" data-site="%s"></script>`, h.at(key), key)
}

// count counts an expression.
func (h *house) count(expression string) uint64 {
	h.t.Helper()
	if err := h.store.Sync(); err != nil {
		h.t.Fatal(err)
	}
	e, err := audience.Parse(expression)
	if err != nil {
		h.t.Fatal(err)
	}
	set, _, err := audience.Compile(h.store.View(), e, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	n, err := audience.Count(h.t.Context(), set)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// counts waits until an expression counts a number.
func (h *house) counts(expression string, want uint64) {
	h.t.Helper()
	var got uint64
	for deadline := time.Now().Add(patience / 6); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = h.count(expression); got == want {
			return
		}
	}
	h.t.Errorf("%s counts %d, want %d", expression, got, want)
}
