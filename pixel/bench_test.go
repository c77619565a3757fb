package pixel

import (
	"bufio"
	"net/netip"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"sosie/storage"
)

// instant is a store whose Append costs nothing: what is left is the pixel.
type instant struct{ *storage.Store }

func (instant) Append(*storage.Records) (uint64, error) { return 0, nil }

func openInstant(b *testing.B) *house {
	h := openHouse(b)
	h.openPixel(b, instant{h.store})
	return h
}

// BenchmarkAnswer measures a hit without server and device.
func BenchmarkAnswer(b *testing.B) {
	h := openInstant(b)
	user, _ := h.newUser(b)
	stranger := &browser{h: h}
	stranger.get("s=news&l=interest/tennis,place/italy")
	jar := "_ga=GA1.2.123456789.1234567890; theme=dark; session=0123456789abcdef0123456789abcdef; " + CookieName + "="
	const query = "s=news&l=interest/tennis,place/italy"
	for _, c := range []struct {
		name, query, cookie string
		outcome             cause
	}{
		{"unknown site", "s=golf&l=interest/tennis", "", siteUnknown},
		{"parse", "s=quiet&l=interest/tennis,place/italy", jar + user.cookie, refusedByDefault},
		{"sealed user", query, jar + user.cookie, stored},
		{"first hit", query, "", pendingSet},
		{"forged cookie", query, jar + "uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", pendingSet},
	} {
		b.Run(c.name, func(b *testing.B) {
			hit := &Hit{Path: []byte(Path), Query: []byte(c.query), Agent: []byte(browserAgent), Client: netip.MustParseAddr("192.0.2.1")}
			if c.cookie != "" {
				hit.Cookies = [][]byte{[]byte(c.cookie)}
			}
			r := new(Reply)
			h.Answer(hit, r)
			before := h.counters[c.outcome].Load()
			b.ReportAllocs()
			n := uint64(0)
			for b.Loop() {
				h.Answer(hit, r)
				n++
			}
			if got := h.counters[c.outcome].Load() - before; got != n {
				b.Fatalf("%d of %d hits went another way", n-got, n)
			}
		})
	}
}

// BenchmarkServe measures what the server's side of a hit adds: a parsed
// request becomes a hit, the reply a response, in memory.
func BenchmarkServe(b *testing.B) {
	h := openInstant(b)
	user, _ := h.newUser(b)
	for _, c := range []struct {
		name    string
		handler fasthttp.RequestHandler
	}{
		{"bare gif", func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.SetContentType("image/gif")
			ctx.Response.SetBodyRaw(gif)
		}},
		{"pixel", h.Handler()},
	} {
		b.Run(c.name, func(b *testing.B) {
			var request fasthttp.Request
			text := "GET /p.gif?s=news&l=interest/tennis,place/italy HTTP/1.1\r\nHost: p.example\r\n" + userAgentLine +
				"Accept: image/avif,image/webp\r\nAccept-Language: de,en\r\nAccept-Encoding: gzip, br\r\nReferer: https://news.example/\r\n" +
				"Cookie: theme=dark; " + CookieName + "=" + user.cookie + "\r\nSec-Fetch-Dest: image\r\nSec-Fetch-Mode: no-cors\r\n\r\n"
			if err := request.Read(bufio.NewReader(strings.NewReader(text))); err != nil {
				b.Fatal(err)
			}
			var ctx fasthttp.RequestCtx
			ctx.Init(&request, nil, silent{})
			var room []byte
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				c.handler(&ctx)
				room = append(ctx.Response.Header.AppendBytes(room[:0]), ctx.Response.Body()...)
			}
			if ctx.Response.StatusCode() != 200 {
				b.Fatalf("answer %d", ctx.Response.StatusCode())
			}
		})
	}
}
