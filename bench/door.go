package bench

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"

	"sosie/audience/members"
	"sosie/dmp/access"
	"sosie/dmp/intake"
	"sosie/dmp/partner"
	"sosie/pixel/rules"
)

// door is the partner door of a server process, with a stopwatch in it.
type door struct {
	partner  *partner.Door
	members  *members.Members
	http     *fasthttp.Server
	listener net.Listener
	done     chan error
	stop     context.CancelFunc
	ended    sync.WaitGroup

	mu      sync.Mutex
	latency *hdrhistogram.Histogram // of answers since asked last, in nanoseconds
}

// latencies are how long answers took inside the server, from the request read to
// the answer made.
type latencies struct {
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
	Most time.Duration `json:"most"`
}

// doorUsage is what the door did since it was asked last.
type doorUsage struct {
	Counters partner.Counters `json:"counters"` // since the start
	Latency  latencies        `json:"latency"`
	Members  members.Status   `json:"members"`
}

// openDoor serves the partner door beside the pixel.
func (s *server) openDoor(o serveOrder) (err error) {
	keyring, err := access.Open(s.store.Documents())
	if err != nil {
		return err
	}
	d := &door{members: members.New(s.store, members.Options{Every: o.Evaluate}), done: make(chan error, 1), latency: newLatency()}
	limits := partner.DefaultLimits()
	limits.UsersPerSecond = access.MaxRate
	d.partner, err = partner.New(partner.House{
		Keyring: keyring, Store: s.store, Members: d.members, Arrivals: intake.NewArrivals(s.store),
		Pseudonyms: s.keys.Partner, Visitor: s.pixel.Visitor, Writes: s.pixel.MayWrite, Rules: noRules, Dir: o.Data, Clock: offsetClock(o.Offset).Now,
	}, limits)
	if err != nil {
		return err
	}
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return errors.Join(err, d.partner.Close())
	}
	d.http = d.partner.Server()
	d.http.Handler = d.timed(d.http.Handler)
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	if err := d.members.Refresh(ctx); err != nil {
		stop()
		return errors.Join(err, d.listener.Close(), d.partner.Close())
	}
	d.ended.Go(func() { d.members.Run(ctx) })
	go func() { d.done <- d.http.Serve(d.listener) }()
	s.door = d
	return nil
}

// noRules are the rules of a site that has none.
func noRules(string) (func(*rules.Page) []string, []string, error) {
	return func(*rules.Page) []string { return nil }, nil, nil
}

func newLatency() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Second), 3)
}

// timed measures a handler.
func (d *door) timed(handler fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		start := time.Now()
		handler(ctx)
		took := time.Since(start)
		d.mu.Lock()
		_ = d.latency.RecordValue(took.Nanoseconds())
		d.mu.Unlock()
	}
}

// usage is what was done since it was asked last.
func (d *door) usage() doorUsage {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := func(q float64) time.Duration { return time.Duration(d.latency.ValueAtQuantile(q)) }
	u := doorUsage{Counters: d.partner.Counters(), Latency: latencies{at(50), at(99), at(100)}, Members: d.members.Status()}
	d.latency = newLatency()
	return u
}

func (d *door) close() error {
	d.stop()
	d.ended.Wait()
	return errors.Join(d.http.Shutdown(), <-d.done, d.partner.Close())
}
