package pixel

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sosie/storage"
)

// serveHouse serves a house on loopback and returns its address.
func serveHouse(t *testing.T, h *house, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l = h.Listen(l)
	if wrap != nil {
		l = wrap(l)
	}
	server := h.Server()
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return address
}

// exchangeBytes sends bytes on a new connection and reads one answer.
func exchangeBytes(t *testing.T, address, request string) (*http.Response, []byte) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer to %.60q: %v", request, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, body
}

const userAgentLine = "User-Agent: " + browserAgent + "\r\n"

// TestRequests asks how what arrives over a connection becomes a hit.
func TestRequests(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Limits.ReadTimeout = 300 * time.Millisecond })
	address := serveHouse(t, h, nil)
	request := func(line, headers string) string {
		return line + " HTTP/1.1\r\nHost: p\r\n" + userAgentLine + headers + "\r\n"
	}
	const get, news = "GET /p.gif?s=news&l=interest/tennis", "interest/tennis seen site/news"
	for _, c := range []struct {
		name, request string
		status        int
		counts        string
		carried       string
	}{
		{"get", request(get, "Cookie: OWN\r\n"), 200, "stored", news},
		{"header in lower case", request(get, "cookie: OWN\r\n"), 200, "stored", news},
		{"two cookie headers", request(get, "Cookie: a=b\r\nCookie: OWN\r\n"), 200, "stored", news},
		{"opt-out in a third cookie header", request(get, "Cookie: a=b\r\nCookie: OWN\r\nCookie: sosie_optout=1\r\n"), 200, "opted_out refused_by_cookie", "*opted-out"},
		{"jar of 12 KB", request(get, "Cookie: a="+strings.Repeat("x", 12<<10)+"; OWN\r\n"), 200, "stored", news},
		{"jar of 17 KB", request(get, "Cookie: a="+strings.Repeat("x", 17<<10)+"; OWN\r\n"), 431, "bad_request", ""},
		{"absolute address", request("GET http://p/p.gif?s=news&l=interest/tennis", "Cookie: OWN\r\n"), 200, "stored", news},
		{"fragment", request("GET /p.gif?s=news&l=interest/tennis#top", "Cookie: OWN\r\n"), 200, "stored", news},
		{"http/1.0", "GET /p.gif?s=news&l=interest/tennis HTTP/1.0\r\nHost: p\r\n" + userAgentLine + "Cookie: OWN\r\n\r\n", 200, "stored", news},
		{"head", request("HEAD /p.gif?s=news&l=interest/tennis", "Cookie: OWN\r\n"), 200, "head", ""},
		{"post", request("POST /p.gif?s=news", "Content-Length: 0\r\n"), 405, "bad_request", ""},
		{"beacon", request("POST /p", "Content-Type: text/plain\r\nContent-Length: 27\r\nCookie: OWN\r\n") + "s=news&l=interest/tennis&x=", 204, "stored", news},
		{"chunked beacon", request("POST /p", "Transfer-Encoding: chunked\r\nCookie: OWN\r\n") + "18\r\ns=news&l=interest/tennis\r\n0\r\n\r\n", 204, "stored", news},
		{"beacon too large", request("POST /p", "Content-Length: 20000\r\n"), 413, "bad_request", ""},
		{"beacon that never comes", request("POST /p", "Content-Length: 20\r\n") + "s=", 408, "bad_request", ""},
		{"put", request("PUT /p", "Content-Length: 0\r\n"), 405, "bad_request", ""},
		{"delete", request("DELETE /v1/me?s=news", ""), 405, "bad_request", ""},
		{"options", request("OPTIONS /p.gif?s=news", ""), 405, "bad_request", ""},
		{"prefetch", request(get, "Sec-Purpose: prefetch\r\nCookie: OWN\r\n"), 200, "prefetch", ""},
		{"prerender", request(get, "Sec-Purpose: prefetch;prerender\r\nCookie: OWN\r\n"), 200, "prefetch", ""},
		{"prefetch of old", request(get, "Purpose: prefetch\r\nCookie: OWN\r\n"), 200, "prefetch", ""},
		{"gpc", request(get, "Sec-GPC: 1\r\nCookie: OWN\r\n"), 200, "opted_out refused_by_gpc", "*opted-out"},
		{"gpc in lower case", request(get, "sec-gpc: 1\r\nCookie: OWN\r\n"), 200, "opted_out refused_by_gpc", "*opted-out"},
		{"gpc twice", request(get, "Sec-GPC: 0\r\nSec-GPC: 1\r\nCookie: OWN\r\n"), 200, "opted_out refused_by_gpc", "*opted-out"},
		{"gpc of 0", request(get, "Sec-GPC: 0\r\nCookie: OWN\r\n"), 200, "stored", news},
		{"gpc of true", request(get, "Sec-GPC: true\r\nCookie: OWN\r\n"), 200, "stored", news},
		{"gpc of 1;a", request(get, "Sec-GPC: 1;a\r\nCookie: OWN\r\n"), 200, "stored", news},
		{"robot", "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\nUser-Agent: curl/8.5.0\r\nCookie: OWN\r\n\r\n", 200, "robot", ""},
		{"body", request(get, "Content-Length: 2\r\nCookie: OWN\r\n") + "hi", 200, "body", ""},
		{"chunked body", request(get, "Transfer-Encoding: chunked\r\nCookie: OWN\r\n") + "2\r\nhi\r\n0\r\n\r\n", 200, "body", ""},
		{"trailer", request(get, "Transfer-Encoding: chunked\r\nTrailer: Sec-Purpose\r\nCookie: OWN\r\n") + "0\r\nSec-Purpose: prefetch\r\n\r\n", 200, "prefetch", ""},
		{"trailer not announced", request(get, "Transfer-Encoding: chunked\r\nCookie: OWN\r\n") + "0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", 400, "bad_request", ""},
		{"body too large", request(get, "Content-Length: 2000000\r\n"), 413, "bad_request", ""},
		{"no host", "GET /p.gif?s=news HTTP/1.1\r\n\r\n", 400, "bad_request", ""},
		{"space before colon", request(get, "Foo : a\r\n"), 400, "bad_request", ""},
		{"not http", "hello\r\n\r\n", 400, "bad_request", ""},
		{"http/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", ""},
		{"slow loris", "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\nX-A: ", 408, "bad_request", ""},
		{"silence", "", 408, "bad_request", ""},
		{"other path", request("GET /robots.txt", ""), 404, "not_found", ""},
		{"path with dots", request("GET /a/../p.gif?s=news", "Cookie: OWN\r\n"), 404, "not_found", ""},
		{"unknown site", request("GET /p.gif?s=golf", ""), 403, "unknown_site", ""},
		{"health", request("GET /healthz", ""), 200, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, u := h.newUser(t)
			before := h.Counters()
			r, body := exchangeBytes(t, address, strings.ReplaceAll(c.request, "OWN", CookieName+"="+b.cookie))
			if r.StatusCode != c.status {
				t.Errorf("answer %s, want %d", r.Status, c.status)
			}
			if c.status == 200 && c.name != "health" && c.name != "head" && !bytes.Equal(body, gif) {
				t.Errorf("body %q", body)
			}
			if got := r.Header.Get("Server"); got != "" {
				t.Errorf("the server calls itself %s", got)
			}
			if got := h.counts(t, before); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if got := h.carried(t, u, u+1); got != c.carried {
				t.Errorf("the user carries %q, want %q", got, c.carried)
			}
		})
	}
}

func TestAnswerOnTheWire(t *testing.T) {
	h := openHouse(t)
	address := serveHouse(t, h, nil)
	r, body := exchangeBytes(t, address, "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\n"+userAgentLine+"\r\n")
	for name, want := range map[string]string{"Content-Type": "image/gif", "Content-Length": "43", "Cache-Control": "no-store"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(body) != 43 || http.DetectContentType(body) != "image/gif" {
		t.Errorf("body of %d bytes, %s", len(body), http.DetectContentType(body))
	}
	cookies := r.Cookies()
	if len(cookies) != 1 || cookies[0].Name != CookieName || cookies[0].Path != "/" || !cookies[0].HttpOnly ||
		cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Secure || cookies[0].MaxAge != 23*3600 {
		t.Errorf("cookies %v", cookies)
	}
}

// TestUnavailableOnTheWire stops the store beneath a running server.
func TestUnavailableOnTheWire(t *testing.T) {
	h := openHouse(t)
	b, _ := h.newUser(t)
	store := &failing{Store: h.store, append: storage.ErrStopped}
	h.openPixel(t, store)
	address := serveHouse(t, h, nil)
	r, body := exchangeBytes(t, address, "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\n"+userAgentLine+"Cookie: sosie="+b.cookie+"\r\n\r\n")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") != "10" || len(body) > 0 || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("answer %s, %v, %q", r.Status, r.Header, body)
	}
}

// TestTrustedProxy sees whose word about address and scheme is taken.
func TestTrustedProxy(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted string
		headers string
		secure  bool
		limited bool // the address of the limit is the one of the earlier claim
	}{
		{"proxy, other browser", "127.0.0.0/8", "X-Forwarded-For: 192.0.2.2\r\nX-Forwarded-Proto: https\r\n", true, false},
		{"proxy, same browser", "127.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n", false, true},
		{"proxy, made-up hop before", "127.0.0.0/8", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 192.0.2.1\r\n", false, true},
		{"stranger", "10.0.0.0/8", "X-Forwarded-For: 192.0.2.2\r\nX-Forwarded-Proto: https\r\n", false, true},
	} {
		h := openHouse(t, func(config *Config) {
			config.Limits.ClaimsPerHour = 1
			config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(c.trusted)}
		})
		address := serveHouse(t, h, nil)
		get := func(headers string) *http.Response {
			r, _ := exchangeBytes(t, address, "GET /p.gif?s=first HTTP/1.1\r\nHost: p\r\n"+userAgentLine+headers+"\r\n")
			return r
		}
		get("X-Forwarded-For: 192.0.2.1\r\n")
		r := get(c.headers)
		if got := h.Counters().ClaimLimited == 1; got != c.limited {
			t.Errorf("%s: limited with the first: %v, want %v", c.name, got, c.limited)
		}
		if cookies := r.Cookies(); !c.limited && (len(cookies) != 1 || cookies[0].Secure != c.secure) {
			t.Errorf("%s: cookies %v, want secure %v", c.name, cookies, c.secure)
		}
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
	h := openHouse(t)
	address := serveHouse(t, h, func(l net.Listener) net.Listener { return tls.NewListener(l, config) })
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\n"+userAgentLine+"\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := r.Cookies(); len(cookies) != 1 || !cookies[0].Secure || cookies[0].SameSite != http.SameSiteNoneMode {
		t.Errorf("cookies %v", cookies)
	}
}

// TestSlowLoris dribbles bytes for ever: each comes in time, the request never
// does. The connection must be cut, and its place given back.
func TestSlowLoris(t *testing.T) {
	h := openHouse(t, func(c *Config) {
		c.Limits.ReadTimeout = 300 * time.Millisecond
		c.Limits.ConnectionsPerAddress = 8
	})
	address := serveHouse(t, h, nil)
	cut := make(chan error, 8)
	for range 8 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, err := io.WriteString(c, "GET /p.gif?s=news HTTP/1.1\r\nHost: p\r\n")
			for i := 0; err == nil && i < 1000; i++ {
				time.Sleep(20 * time.Millisecond)
				_, err = fmt.Fprintf(c, "X")
			}
			cut <- err
		}()
	}
	for range 8 {
		if err := <-cut; err == nil {
			t.Fatal("a request that never ends was not cut")
		}
	}
	r, _ := exchangeBytes(t, address, "GET /healthz HTTP/1.1\r\nHost: p\r\n\r\n")
	if r.StatusCode != 200 {
		t.Errorf("afterwards %s", r.Status)
	}
}
