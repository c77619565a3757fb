package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// agent is an ordinary browser's, so that the robots check lets it pass.
const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// Browsers replays visits as one browser a host.
type Browsers struct {
	// URL is the server's, such as http://127.0.0.1:8080.
	URL string
	// Site is the key of the site whose pixel the pages carry.
	Site string
	// KeepCookies is false for browsers that refuse all cookies.
	KeepCookies bool
	// Connections is the number of visits under way at a time; 0 means 1. A
	// host's visits stay in order whatever it is.
	Connections int
	// Forwarded sends an X-Forwarded-For with an address of its own for each
	// host, for a server that trusts the replayer as its proxy.
	Forwarded bool
	// Progress is called after each visit with the number done; nil means no.
	Progress func(done int)

	jars map[string]map[string]string // host -> cookie name -> value
	mu   sync.Mutex
	done int
}

// Outcome counts the answers of a replay.
type Outcome struct {
	Answers map[int]int   // by status
	Elapsed time.Duration // of the whole replay
}

// Visit sends all visits. It stops at the first request that gets no answer.
func (b *Browsers) Visit(ctx context.Context, visits []Visit) (Outcome, error) {
	target, err := url.Parse(b.URL)
	if err != nil || target.Host == "" {
		return Outcome{}, fmt.Errorf("replay to %q: want a URL such as http://127.0.0.1:8080: %w", b.URL, err)
	}
	client := &fasthttp.HostClient{
		Addr: target.Host, IsTLS: target.Scheme == "https", MaxConns: max(1, b.Connections),
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
	}
	defer client.CloseIdleConnections()
	b.jars = map[string]map[string]string{}
	start := time.Now()
	lanes := b.lanes(visits)
	outcomes, errs := make([]map[int]int, len(lanes)), make([]error, len(lanes))
	var wait sync.WaitGroup
	for i, lane := range lanes {
		wait.Go(func() { outcomes[i], errs[i] = b.drive(ctx, client, target, lane) })
	}
	wait.Wait()
	total := Outcome{Answers: map[int]int{}, Elapsed: time.Since(start)}
	for _, answers := range outcomes {
		for status, n := range answers {
			total.Answers[status] += n
		}
	}
	return total, errors.Join(errs...)
}

// lanes shares the visits out so that each host stays in one lane, in order.
func (b *Browsers) lanes(visits []Visit) [][]Visit {
	lanes := make([][]Visit, max(1, b.Connections))
	seed := maphash.MakeSeed()
	for _, v := range visits {
		i := maphash.String(seed, v.Host) % uint64(len(lanes))
		lanes[i] = append(lanes[i], v)
	}
	return lanes
}

func (b *Browsers) drive(ctx context.Context, client *fasthttp.HostClient, target *url.URL, lane []Visit) (map[int]int, error) {
	answers := map[int]int{}
	for _, v := range lane {
		if err := ctx.Err(); err != nil {
			return answers, err
		}
		status, err := b.visit(client, target, v)
		if err != nil {
			return answers, fmt.Errorf("replay %s of host %s: %w", v.Label, v.Host, err)
		}
		answers[status]++
		b.tick()
	}
	return answers, nil
}

func (b *Browsers) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	if b.Progress != nil {
		b.Progress(b.done)
	}
}

func (b *Browsers) visit(client *fasthttp.HostClient, target *url.URL, v Visit) (int, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(fmt.Sprintf("%s://%s/p.gif?s=%s&l=%s", target.Scheme, target.Host, url.QueryEscape(b.Site), url.QueryEscape(v.Label)))
	req.Header.SetUserAgent(agent)
	if b.Forwarded {
		req.Header.Set("X-Forwarded-For", address(v.Host))
	}
	for name, value := range b.jar(v.Host) {
		req.Header.SetCookie(name, value)
	}
	if err := client.Do(req, resp); err != nil {
		return 0, err
	}
	if b.KeepCookies {
		b.keep(v.Host, resp)
	}
	return resp.StatusCode(), nil
}

// jar returns the cookies of a host. Only the host's lane changes them.
func (b *Browsers) jar(host string) map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jars[host]
}

func (b *Browsers) keep(host string, resp *fasthttp.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range resp.Header.PeekAll("Set-Cookie") {
		var c fasthttp.Cookie
		if c.ParseBytes(line) != nil {
			continue
		}
		if b.jars[host] == nil {
			b.jars[host] = map[string]string{}
		}
		b.jars[host][string(c.Key())] = string(c.Value())
	}
}

// address gives each host a stable private address, which need not be its own
// alone.
func address(host string) string {
	sum := uint32(2166136261)
	for _, c := range []byte(host) {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return fmt.Sprintf("10.%d.%d.%d", sum>>16&255, sum>>8&255, sum&255)
}

// Jar is what one host's browser holds after the replay.
type Jar struct {
	Host    string            `json:"host"`
	Cookies map[string]string `json:"cookies"`
}

// Jars returns the jars of all hosts that were given a cookie, by host.
func (b *Browsers) Jars() []Jar {
	var jars []Jar
	for host, cookies := range b.jars {
		jars = append(jars, Jar{Host: host, Cookies: cookies})
	}
	slices.SortFunc(jars, func(a, o Jar) int {
		if a.Host < o.Host {
			return -1
		}
		return 1
	})
	return jars
}

// SaveJars writes the jars to a file that only its owner can read, one JSON
// object a line: whoever holds these cookies is these users.
func SaveJars(path string, jars []Jar) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("save jars: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	enc := json.NewEncoder(f)
	for _, j := range jars {
		if err := enc.Encode(j); err != nil {
			return fmt.Errorf("save jars %s: %w", path, err)
		}
	}
	return nil
}
