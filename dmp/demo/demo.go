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
)

// Options say how many visitors come, and where to.
type Options struct {
	// Pixel is the pixel's address, http://127.0.0.1:8080.
	Pixel string
	// Users is the number of visitors, at least 1; 0 means DefaultUsers.
	Users int
	// Seed makes the visitors: the same seed, the same visitors.
	Seed uint64
	// Progress is told the visitors done, of how many; it may be nil, and is
	// called by many goroutines at once.
	Progress func(done, total int)
}

// DefaultUsers is how many visitors come unless Options say otherwise.
const DefaultUsers = 3000

// together is how many visitors browse at the same time: as many hits share one
// commit to disk.
const together = 128

// Truth is what the visitors brought.
type Truth struct {
	visitors []visitor
	// Hits is the number of requests that were answered.
	Hits int
}

// Expectation is an expression and the number of visitors it should count.
type Expectation struct {
	Expression string
	Count      uint64
}

// Browse lets the visitors browse, and returns what they brought once every hit
// was answered. It fails at the first hit that is not.
func Browse(ctx context.Context, o Options) (*Truth, error) {
	if o.Users == 0 {
		o.Users = DefaultUsers
	}
	t := &Truth{visitors: visitors(o.Users, o.Seed)}
	transport := &http.Transport{MaxIdleConnsPerHost: together, MaxConnsPerHost: together}
	defer transport.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	var done atomic.Int64
	for i := range t.visitors {
		v := &t.visitors[i]
		t.Hits += len(v.visits)
		group.Go(func() error {
			if err := v.browse(ctx, o.Pixel, i, transport); err != nil {
				return fmt.Errorf("browse visitor %d: %w", i, err)
			}
			if n := int(done.Add(1)); o.Progress != nil {
				o.Progress(n, o.Users)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return t, nil
}

// agents are browsers, and one robot at the end.
var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}

// firstAddress is where the visitors' addresses begin.
var firstAddress = netip.MustParseAddr("10.0.0.1").As4()

func addressOf(i int) string {
	a := firstAddress
	a[1], a[2], a[3] = byte(i>>16), byte(i>>8), byte(i)
	return netip.AddrFrom4(a).String()
}

// browse makes the visitor's hits, one after the other.
func (v *visitor) browse(ctx context.Context, pixel string, i int, transport http.RoundTripper) error {
	client := http.Client{Transport: transport, Timeout: 30 * time.Second}
	if v.kind != refusing {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		client.Jar = jar
	}
	agent := agents[i%(len(agents)-1)]
	if v.kind == robot {
		agent = agents[len(agents)-1]
	}
	for _, hit := range v.visits {
		query := url.Values{"s": {hit.site}}
		if len(hit.labels) > 0 {
			query.Set("l", strings.Join(hit.labels, ","))
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, pixel+"/p.gif?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		r.Header.Set("User-Agent", agent)
		r.Header.Set("X-Forwarded-For", addressOf(i))
		if hit.gpc {
			r.Header.Set("Sec-GPC", "1")
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
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("hit on site %s: %s", hit.site, answer.Status)
		}
	}
	return nil
}

// Expectations are expressions worth trying, and what the visitors say they
// should count.
func (t *Truth) Expectations() []Expectation {
	questions := []struct {
		expression string
		in         func(v *visitor) bool
	}{
		{"seen", func(v *visitor) bool { return true }},
		{"interest/tennis", func(v *visitor) bool { return v.has("interest/tennis") }},
		{"interest/tennis and not bought/racket", func(v *visitor) bool { return v.has("interest/tennis") && !v.has("bought/racket") }},
		{"bought/* within 7d", func(v *visitor) bool { return v.hasUnder("bought/") }},
		{"page/cart and not bought/*", func(v *visitor) bool { return v.has("page/cart") && !v.hasUnder("bought/") }},
		{"(place/italy or place/france) within 30d and interest/travel",
			func(v *visitor) bool {
				return (v.has("place/italy") || v.has("place/france")) && v.has("interest/travel")
			}},
		{"site/club", func(v *visitor) bool { return false }},
	}
	out := make([]Expectation, len(questions))
	for i, q := range questions {
		out[i].Expression = q.expression
		for j := range t.visitors {
			if v := &t.visitors[j]; v.counts() && q.in(v) {
				out[i].Count++
			}
		}
	}
	return out
}

// Exportable is the number of visitors who carry a label and may be exported.
func (t *Truth) Exportable(label string) uint64 {
	var n uint64
	for i := range t.visitors {
		if v := &t.visitors[i]; v.counts() && v.has(label) {
			n++
		}
	}
	return n
}
