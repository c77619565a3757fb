package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/audience"
	"sosie/audience/export"
	"sosie/audience/permit"
	"sosie/bench/meter"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
)

// unlimited is a limit per address that one machine's load never reaches, while
// the work of keeping count is still done.
const unlimited = 1 << 20

// server is one server process seen from inside.
type server struct {
	store    *storage.Store
	keys     *identity.Keys
	pixel    *pixel.Pixel
	http     *fasthttp.Server
	listener net.Listener
	done     chan error
	exports  exports
	door     *door // nil where none was asked for
	dumps    dumps
}

// Serve is the server process of the pixel benchmarks: it reads what to serve
// from in, answers there until in ends, then closes its store. Only the
// benchmarks start it, with ServeVerb.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(out)
	if !lines.Scan() {
		return fmt.Errorf("bench serve: %w: nothing to serve was named", ErrOptions)
	}
	var o serveOrder
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return fmt.Errorf("bench serve: %w", err)
	}
	s, err := openServer(o)
	if err != nil {
		return errors.Join(fmt.Errorf("bench serve: %w", err), answers.Encode(greeting{Error: err.Error()}))
	}
	hello := greeting{Addr: s.listener.Addr().String(), Store: s.store.ID(), Epoch: s.store.Epoch(), Users: uint32(s.store.HighWater())}
	if s.door != nil {
		hello.Partner = s.door.listener.Addr().String()
	}
	err = answers.Encode(hello)
	for err == nil && lines.Scan() {
		var q order
		if err = json.Unmarshal(lines.Bytes(), &q); err == nil {
			err = answers.Encode(s.answer(ctx, q))
		}
	}
	return errors.Join(err, s.close())
}

func openServer(o serveOrder) (s *server, err error) {
	if o.Memory > 0 {
		debug.SetMemoryLimit(o.Memory)
	}
	clock := offsetClock(o.Offset)
	s = &server{done: make(chan error, 1)}
	if s.store, err = storage.Open(storage.Options{Dir: o.Data, Clock: clock.Now, Memory: o.Memory}); err != nil {
		return nil, err
	}
	if err := s.open(o, clock); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	go func() { s.done <- s.http.Serve(s.listener) }()
	return s, nil
}

func (s *server) open(o serveOrder, clock offsetClock) (err error) {
	people, err := o.Shape.population()
	if err != nil {
		return err
	}
	specs := make([]storage.LabelSpec, 0, o.Shape.Labels)
	for _, name := range people.Names() {
		specs = append(specs, storage.LabelSpec{Name: name, Retention: o.Shape.Days})
	}
	if _, err = s.store.Declare(specs...); err != nil {
		return err
	}
	if s.store.HighWater() == 0 {
		if _, err = s.store.NewUsers(o.Shape.Users); err != nil {
			return err
		}
	}
	s.keys, err = identity.OpenKeys(o.Keys, s.store.ID())
	if errors.Is(err, identity.ErrNoKeys) {
		s.keys, err = identity.CreateKeys(o.Keys, s.store.ID())
	}
	if err != nil {
		return err
	}
	limits := pixel.DefaultLimits()
	limits.ConnectionsPerAddress, limits.ClaimsPerHour, limits.AgentsPerHour = unlimited, unlimited, unlimited
	s.pixel, err = pixel.New(pixel.Config{
		Sites:  []pixel.Site{{Key: siteKey, WithoutSignal: pixel.CollectWithoutSignal, Rules: pageRules(o.Rules)}},
		Limits: limits,
	}, s.keys, s.recorder(o.Step), clock.Now)
	if err != nil {
		return err
	}
	s.http = s.pixel.Server()
	if s.http.Handler, err = s.handler(o.Step); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.listener = s.pixel.Listen(listener)
	if o.Partner {
		if err := s.openDoor(o); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	return nil
}

func (s *server) close() error {
	s.exports.wait()
	var door error
	if s.door != nil {
		door = s.door.close()
	}
	s.dumps.running.Wait()
	return errors.Join(door, s.http.Shutdown(), <-s.done, s.store.Close())
}

func (s *server) answer(ctx context.Context, q order) (a answer) {
	var err error
	switch q.Do {
	case askUsage:
		a.Usage, err = s.usage()
	case askSettle:
		if err = s.store.Sync(); err == nil {
			a.Usage, err = s.usage()
		}
	case askCount:
		start := time.Now()
		view := s.store.View()
		a.Count, err = count(ctx, view, q.Expression)
		a.Stamp, a.Took = view.Stamp(), time.Since(start)
	case askExport:
		s.exports.start(func() (export.Result, error) { return s.export(ctx, q.Expression, q.Path) })
	case askDump:
		s.dumps.start(ctx, s.store, q.Path)
	default:
		err = fmt.Errorf("%w: nobody can be asked for %q", ErrOptions, q.Do)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

func (s *server) usage() (u usage, err error) {
	u.CPU = meter.CPU()
	if s.door != nil {
		door := s.door.usage()
		u.Door = &door
	}
	u.Counters, u.Exports, u.Dump = s.pixel.Counters(), s.exports.sum(), s.dumps.now()
	var errs [3]error
	u.Written, errs[0] = meter.Written()
	u.Memory, errs[1] = meter.ReadMemory()
	u.Status, errs[2] = s.store.Status()
	return u, errors.Join(errs[:]...)
}

// export writes the users of an expression by the names a partner knows.
func (s *server) export(ctx context.Context, expression, path string) (export.Result, error) {
	view := s.store.View()
	e, err := audience.Parse(expression)
	if err != nil {
		return export.Result{}, err
	}
	set, _, err := audience.Compile(view, e, nil)
	if err != nil {
		return export.Result{}, err
	}
	names, err := s.keys.Partner("file")
	if err != nil {
		return export.Result{}, err
	}
	file, err := export.Create(path)
	if err != nil {
		return export.Result{}, err
	}
	defer file.Abort()
	r, err := export.Export(ctx, audience.Permitted(set, view, permit.Export), &namer{names: names}, file, nil)
	if err != nil {
		return r, err
	}
	return r, file.Commit()
}

// namer names users by their pseudonym for one partner.
type namer struct {
	names *identity.Pseudonyms
	buf   []byte
}

// Name calls fn with the user's one pseudonym.
func (n *namer) Name(u storage.Ordinal, fn func([]byte) error) error {
	n.buf = n.names.Name(n.buf[:0], u)
	return fn(n.buf)
}
