package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sosie/pixel"
)

// Options say where the visitors come to.
type Options struct {
	// Pixel is the pixel's address, http://127.0.0.1:8080.
	Pixel string
	// Secret is the club's.
	Secret string
	// Progress is told the visitors done, of how many; it may be nil, and is
	// called by many goroutines at once.
	Progress func(done, total int)
}

// together is how many visitors browse at the same time: as many hits share one
// commit to disk.
const together = 128

// Browse lets everybody browse, and returns the number of hits once every one was
// answered. It fails at the first that is not.
func (p *Population) Browse(ctx context.Context, o Options) (hits int, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: together, MaxConnsPerHost: together}
	defer transport.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	var done atomic.Int64
	for i := range p.visitors {
		v := &p.visitors[i]
		for _, visits := range v.browsers {
			hits += len(visits)
		}
		group.Go(func() error {
			for nth, visits := range v.browsers {
				b := browser{visitor: v, options: o, transport: transport, address: addressOf(i), agent: agentOf(v.kind, i+nth)}
				if err := b.browse(ctx, visits); err != nil {
					return fmt.Errorf("browse visitor %d: %w", i, err)
				}
			}
			if n := int(done.Add(1)); o.Progress != nil {
				o.Progress(n, len(p.visitors))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return hits, nil
}

// agents are browsers, and one robot at the end.
var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}

func agentOf(k kind, i int) string {
	if k == robot {
		return agents[len(agents)-1]
	}
	return agents[i%(len(agents)-1)]
}

// firstAddress is where the visitors' addresses begin.
var firstAddress = netip.MustParseAddr("10.0.0.1").As4()

func addressOf(i int) string {
	a := firstAddress
	a[1], a[2], a[3] = byte(i>>16), byte(i>>8), byte(i)
	return netip.AddrFrom4(a).String()
}

// browser is one browser of a visitor.
type browser struct {
	*visitor
	options        Options
	transport      http.RoundTripper
	address, agent string
}

// browse makes the browser's hits, one after the other.
func (b *browser) browse(ctx context.Context, visits []visit) error {
	client := http.Client{Transport: b.transport, Timeout: 30 * time.Second}
	if b.kind != refusing {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		client.Jar = jar
	}
	for _, v := range visits {
		r, err := b.request(ctx, v)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		if answer.StatusCode/100 != 2 {
			return fmt.Errorf("hit on site %s: %s", v.site, answer.Status)
		}
	}
	return nil
}

// line is the hit as the tag on the page tells it.
func line(v *visitor, secret string, at visit) string {
	line := url.Values{"s": {at.site}, "u": {strings.TrimSuffix(originOf(at.site)+at.path+"?"+at.query, "?")}}
	if at.event != "" {
		line.Set("e", at.event)
		line.Set("n", at.item)
		line.Set("v", at.price)
		line.Set("y", "EUR")
	}
	if v.id != "" {
		line.Set("k", v.id)
		line.Set("h", pixel.SignID([]byte(secret), at.site, v.id))
	}
	return line.Encode()
}

func originOf(site string) string { return "https://www." + site + ".example" }

// request is the beacon of a hit, or for the weather, which has no tag, its image.
func (b *browser) request(ctx context.Context, v visit) (*http.Request, error) {
	text, origin := line(b.visitor, b.options.Secret, v), originOf(v.site)
	method, address, body := http.MethodPost, b.options.Pixel+pixel.BeaconPath, io.Reader(strings.NewReader(text))
	if v.site == "weather" {
		method, address, body = http.MethodGet, b.options.Pixel+pixel.Path+"?"+text, nil
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		r.Header.Set("Origin", origin)
	} else {
		r.Header.Set("Referer", origin+"/")
	}
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("X-Forwarded-For", b.address)
	if v.gpc {
		r.Header.Set("Sec-GPC", "1")
	}
	return r, nil
}
