package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"sosie/audience"
	"sosie/audience/segments"
	"sosie/bench/load"
	"sosie/bench/report"
	"sosie/dmp/access"
	"sosie/pixel/identity"
	"sosie/storage"
)

// PartnerOptions configure Partner.
type PartnerOptions struct {
	Shape
	Output
	Segments         int           `help:"Segments published to the partner." default:"10"`
	Rate             int           `help:"Questions a second, each of one user." default:"10000"`
	Connections      int           `help:"Keep-alive connections of the partner." default:"32"`
	PixelRate        int           `help:"Hits a second beside them." default:"10000"`
	PixelConnections int           `help:"Keep-alive connections of browsers." default:"64"`
	Duration         time.Duration `help:"Length of each part." default:"5s"`
	Dir              string        `help:"Directory to make the store in; empty means the one for temporary files."`
}

func (o PartnerOptions) normal() PartnerOptions {
	o.Shape = o.Shape.normal()
	setDefault(&o.Segments, 10)
	setDefault(&o.Rate, 10_000)
	setDefault(&o.Connections, 32)
	setDefault(&o.PixelRate, 10_000)
	setDefault(&o.PixelConnections, 64)
	setDefault(&o.Duration, 5*time.Second)
	return o
}

// The partner of the benchmark, and the id space that names every user.
const (
	partnerName  = "bench"
	partnerSpace = segments.PartnerPrefix + partnerName
)

// appendExternal appends the id of a user in that space.
func appendExternal(dst []byte, u uint32) []byte {
	return strconv.AppendUint(append(dst, "bidder-user-"...), uint64(u), 10)
}

// membership is one run.
type membership struct {
	PartnerOptions
	server   *child
	askers   *askers
	visitors *visitors
}

// part is one stretch of load, and what it gave.
type part struct {
	name       string
	rate       int  // questions a second, 0 for all that are answered
	hits       bool // whether browsers are about
	asked, hit load.Result
	door       doorUsage
	cpu        time.Duration
}

// Partner measures how many membership answers a second the partner door gives,
// alone and beside the pixel's hits, and how long one takes inside the server. The
// memberships are evaluated several times in each part.
func Partner(ctx context.Context, o PartnerOptions, out io.Writer) error {
	m := &membership{PartnerOptions: o.normal()}
	if m.Labels <= m.Segments {
		return fmt.Errorf("bench partner: %w: %d segments need more than %d labels", ErrOptions, m.Segments, m.Labels)
	}
	r, err := m.run(ctx)
	if err != nil {
		return fmt.Errorf("bench partner: %w", err)
	}
	return r.Write(out, m.JSON)
}

func (m *membership) run(ctx context.Context) (_ *report.Report, err error) {
	dir, remove, err := workDir(m.Dir, "partner")
	if err != nil {
		return nil, err
	}
	defer remove()
	data, keys := filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	if err := (StorageOptions{Shape: m.Shape, Output: m.Output, Import: true}).normal().make(ctx, data); err != nil {
		return nil, err
	}
	if err := m.prepare(data, keys); err != nil {
		return nil, err
	}
	m.say("starting the server")
	m.server, err = startServer(ctx, serveOrder{Step: stepDurable, Data: data, Keys: keys, Shape: m.Shape, Partner: true, Evaluate: m.Duration / 4})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.server.stop()) }()
	parts := []*part{
		{name: "as many as are answered", rate: 0},
		{name: "alone", rate: m.Rate},
		{name: "beside the pixel", rate: m.Rate, hits: true},
	}
	for _, p := range parts {
		m.say("%s", p.name)
		if err := m.load(ctx, p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return m.report(parts), nil
}

// prepare gives a filled store its segments, its partner with a token, and all
// users an id and a cookie.
func (m *membership) prepare(data, keysDir string) error {
	m.say("opening the store")
	store, err := storage.Open(storage.Options{Dir: data})
	if err != nil {
		return err
	}
	err = m.furnish(store, keysDir)
	return errors.Join(err, store.Close())
}

func (m *membership) furnish(store *storage.Store, keysDir string) error {
	people, err := m.population()
	if err != nil {
		return err
	}
	shelf := segments.New(store.Documents(), func(e audience.Expr, r audience.Resolver) error {
		_, _, err := audience.Compile(store.View(), e, r)
		return err
	}, nil)
	for i, name := range people.Names()[:m.Segments] {
		segment := segments.Segment{Name: fmt.Sprintf("segment-%d", i), Expression: fmt.Sprintf("%s within 14d or %s", name, people.Names()[m.Segments])}
		if _, err := shelf.Save(segment, false); err != nil {
			return err
		}
		if err := shelf.Publish(segment.Name, partnerSpace); err != nil {
			return err
		}
	}
	if err := m.nameUsers(store); err != nil {
		return err
	}
	keyring, err := access.Open(store.Documents())
	if err != nil {
		return err
	}
	token, _, err := keyring.Create(access.Grant{Name: "bench", Role: access.Partner, Partner: partnerName, Rate: access.MaxRate})
	if err != nil {
		return err
	}
	m.say("sealing %d cookies", m.Users)
	keys, err := identity.CreateKeys(keysDir, store.ID())
	if err != nil {
		return err
	}
	names, err := keys.Partner(partnerName)
	if err != nil {
		return err
	}
	m.askers = newAskers(token, names, uint32(m.Users), m.Seed)
	m.visitors = newVisitors(people, keys, store.Epoch(), uint32(m.Users), storage.DayOf(time.Now()), m.PixelConnections, m.Seed)
	return store.Checkpoint()
}

// nameUsers gives every user an id in the partner's space.
func (m *membership) nameUsers(store *storage.Store) error {
	m.say("naming %d users", m.Users)
	space, err := store.Space(partnerSpace)
	if err != nil {
		return err
	}
	today := storage.DayOf(time.Now())
	records := new(storage.Records)
	var id []byte
	for u := range uint32(m.Users) {
		id = appendExternal(id[:0], u)
		records.ID(space, id, storage.Ordinal(u), today)
		if records.Len() > 256<<10 || u == uint32(m.Users)-1 {
			if _, err := store.Append(records); err != nil {
				return err
			}
			records.Reset()
		}
	}
	return nil
}

// load sends the traffic of a part.
func (m *membership) load(ctx context.Context, p *part) error {
	before, err := m.server.ask(order{Do: askSettle})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		p.asked, err = load.Run(ctx, load.Options{Addr: m.server.Partner, Connections: m.Connections, Duration: m.Duration, Rate: p.rate}, m.askers)
		return err
	})
	if p.hits {
		group.Go(func() (err error) {
			p.hit, err = load.Run(ctx, load.Options{Addr: m.server.Addr, Connections: m.PixelConnections, Duration: m.Duration, Rate: m.PixelRate}, m.visitors)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	after, err := m.server.ask(order{Do: askUsage})
	if err != nil {
		return err
	}
	p.door, p.cpu = *after.Usage.Door, after.Usage.CPU-before.Usage.CPU
	told := p.door.Counters.Lookups - before.Usage.Door.Counters.Lookups
	if p.asked.Answered == 0 || p.asked.Refused+p.asked.Lost+p.hit.Refused+p.hit.Lost > 0 || told != uint64(p.asked.Answered) {
		return fmt.Errorf("%w: %d answered, of which the door knows %d; %d refused, %d broken; of hits %d and %d",
			ErrLost, p.asked.Answered, told, p.asked.Refused, p.asked.Lost, p.hit.Refused, p.hit.Lost)
	}
	return nil
}

func (m *membership) report(parts []*part) *report.Report {
	r := report.New("bench partner", append(m.settings(),
		report.Setting{Name: "segments", Value: m.Segments}, report.Setting{Name: "connections", Value: m.Connections},
		report.Setting{Name: "for", Value: m.Duration})...)
	t := r.Table("membership answers",
		report.Column{Key: "part", Head: "part"},
		report.Column{Key: "per_second", Head: "answers/s"},
		report.Column{Key: "hits_per_second", Head: "hits/s"},
		report.Column{Key: "server_p50_us", Head: "server p50 µs"},
		report.Column{Key: "server_p99_us", Head: "server p99 µs"},
		report.Column{Key: "client_p50_ms", Head: "client p50 ms"},
		report.Column{Key: "client_p99_ms", Head: "client p99 ms"},
		report.Column{Key: "cpu_us", Head: "CPU µs"},
		report.Column{Key: "cores", Head: "cores"})
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	for _, p := range parts {
		hits := 0.0
		if p.hits {
			hits = p.hit.PerSecond()
		}
		t.Add(p.name, p.asked.PerSecond(), hits, micros(p.door.Latency.P50), micros(p.door.Latency.P99),
			millis(p.asked.Quantile(50)), millis(p.asked.Quantile(99)),
			micros(p.cpu)/float64(p.asked.Answered+p.hit.Answered), p.cpu.Seconds()/p.asked.Elapsed.Seconds())
	}
	status := parts[len(parts)-1].door.Members
	t.Note("server is the time from the request read to the answer made; client shares the cores, and its time includes its own waiting")
	t.Note("CPU is the server process's, user and system, for an answer or a hit; cores are what it took of them in all")
	t.Note("half of the questions name users by pseudonym, half by an id that is looked up on disk; each part holds four evaluations, of %.1f ms and %.1f MB each",
		status.Took*1000, float64(status.Memory)/1e6)
	return r
}
