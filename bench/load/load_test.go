package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestParse(t *testing.T) {
	whole := "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=b; path=/\r\n\r\nxyz"
	for n := range len(whole) {
		if _, complete, err := parse([]byte(whole[:n])); complete || err != nil {
			t.Fatalf("%d bytes: complete %v, %v", n, complete, err)
		}
	}
	a, complete, err := parse([]byte(whole + "HTTP"))
	if err != nil || !complete || a.status != 200 || a.length != len(whole) || string(a.cookie) != "a=b" {
		t.Errorf("got %+v, %v, %v", a, complete, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 abc OK\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		if _, _, err := parse([]byte(s)); !errors.Is(err, ErrAnswer) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// once asks on each connection without a cookie, and comes back with the one it
// was given.
type once struct {
	jar      map[int]string
	answered int
	refused  int
}

func (o *once) Request(c int, dst []byte) []byte {
	return fmt.Appendf(dst, "GET /%d HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", c, o.jar[c])
}

func (o *once) Answered(c, status int, cookie []byte) {
	if status != 200 {
		o.refused++
		return
	}
	o.answered++
	if cookie != nil {
		o.jar[c] = string(cookie)
	}
}

func serve(t *testing.T, handler fasthttp.RequestHandler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fasthttp.Server{Handler: handler, IdleTimeout: time.Second, ReadTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return ln.Addr().String()
}

func TestEveryRequestIsAccountedFor(t *testing.T) {
	var seen, withCookie atomic.Int64
	addr := serve(t, func(ctx *fasthttp.RequestCtx) {
		n := seen.Add(1)
		if string(ctx.Request.Header.Cookie("id")) == string(ctx.Path()[1:]) {
			withCookie.Add(1)
		} else {
			ctx.Response.Header.Set("Set-Cookie", "id="+string(ctx.Path()[1:])+"; path=/")
		}
		if n%10 == 0 {
			ctx.SetStatusCode(503)
		}
		ctx.SetBodyString("GIF")
	})
	traffic := &once{jar: map[int]string{}}
	samples := newResult()
	r, err := Run(context.Background(), Options{
		Addr: addr, Connections: 8, Duration: 300 * time.Millisecond, Every: 50 * time.Millisecond, Sample: samples.add,
	}, traffic)
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Answered+r.Refused != seen.Load() || r.Answered != int64(traffic.answered) || r.Refused != seen.Load()/10 {
		t.Errorf("server saw %d, client %+v", seen.Load(), r)
	}
	if samples.Answered != r.Answered || samples.Latency.TotalCount() != r.Latency.TotalCount() {
		t.Errorf("samples %d, whole %d", samples.Answered, r.Answered)
	}
	if withCookie.Load() < seen.Load()/2 {
		t.Errorf("only %d of %d came back with their cookie", withCookie.Load(), seen.Load())
	}
}

func TestRateIsKept(t *testing.T) {
	addr := serve(t, func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("GIF") })
	r, err := Run(context.Background(), Options{Addr: addr, Connections: 4, Duration: 300 * time.Millisecond, Rate: 200}, &once{jar: map[int]string{}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Answered < 1 || r.Answered > 61 {
		t.Errorf("%d answers in 0.3 s at 200/s", r.Answered)
	}
}

func TestBrokenConnectionsAreLostAndReopened(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(ctx *fasthttp.RequestCtx) {
		if seen.Add(1)%5 == 0 {
			ctx.HijackSetNoResponse(true)
			ctx.Hijack(func(net.Conn) {})
			return
		}
		ctx.SetBodyString("GIF")
	})
	r, err := Run(context.Background(), Options{Addr: addr, Connections: 4, Duration: 100 * time.Millisecond}, &once{jar: map[int]string{}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost == 0 || r.Answered == 0 || r.Lost+r.Answered != seen.Load() {
		t.Errorf("server saw %d, client %+v", seen.Load(), r)
	}
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), Options{Addr: addr, Duration: time.Second}, &once{}); err == nil {
		t.Error("no error from a closed port")
	}
}
