package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"sosie/bench/load"
	"sosie/bench/report"
	"sosie/pixel/identity"
	"sosie/storage"
)

// PixelOptions configure Pixel.
type PixelOptions struct {
	Shape
	Output
	Connections []int         `help:"Numbers of keep-alive connections." default:"64,256,1024"`
	Rounds      int           `help:"Alternated rounds of each step and number of connections." default:"3"`
	Duration    time.Duration `help:"Length of a round." default:"500ms"`
	NewPercent  int           `help:"Hits of new browsers, in percent; each comes back once, so that twice as many mint a cookie." default:"5"`
	Rules       int           `help:"Rules that turn pages into labels; without any, hits name no page. -1 means none." default:"300"`
	Dir         string        `help:"Directory to make the stores in; empty means the one for temporary files."`
}

func (o PixelOptions) normal() PixelOptions {
	o.Shape = o.Shape.normal()
	setDefault(&o.Rounds, 3)
	setDefault(&o.Duration, 500*time.Millisecond)
	setDefault(&o.NewPercent, 5)
	setDefault(&o.Rules, 300)
	o.Rules = max(0, o.Rules)
	if len(o.Connections) == 0 {
		o.Connections = []int{64, 256, 1024}
	}
	return o
}

// warmConnections are open while a rung warms up.
const warmConnections = 64

// rung is one step of the ladder: its server, its visitors, and what the rounds
// gave, by number of connections.
type rung struct {
	step     string
	server   *child
	visitors *visitors
	rounds   map[int]*ladderRounds
	hits     int64
	base     usage // when the first round began
	last     usage
}

// ladderRounds are the rounds of one step at one number of connections.
type ladderRounds struct{ cpu, rate, p50, p99 []float64 }

// Pixel climbs the ladder from a bare fasthttp handler to the whole durable
// pixel and measures the processor time that each step's server process needs
// for a hit, at several numbers of connections, in alternated rounds.
func Pixel(ctx context.Context, o PixelOptions, out io.Writer) error {
	o = o.normal()
	r, err := o.run(ctx)
	if err != nil {
		return fmt.Errorf("bench pixel: %w", err)
	}
	return r.Write(out, o.JSON)
}

func (o PixelOptions) run(ctx context.Context) (_ *report.Report, err error) {
	dir, remove, err := workDir(o.Dir, "pixel")
	if err != nil {
		return nil, err
	}
	defer remove()
	var rungs []*rung
	defer func() {
		for _, r := range rungs {
			err = errors.Join(err, r.server.stop())
		}
	}()
	for _, step := range ladderSteps {
		o.say("starting %s", step)
		r, err := o.start(ctx, dir, step)
		if err != nil {
			return nil, err
		}
		rungs = append(rungs, r)
	}
	if err := o.climb(ctx, rungs); err != nil {
		return nil, err
	}
	return o.report(rungs), nil
}

// start starts the server of a step and makes its visitors.
func (o PixelOptions) start(ctx context.Context, dir, step string) (*rung, error) {
	data := filepath.Join(dir, step)
	server, err := startServer(ctx, serveOrder{Step: step, Data: data, Keys: data + ".keys", Shape: o.Shape, Rules: o.Rules})
	if err != nil {
		return nil, err
	}
	r := &rung{step: step, server: server, rounds: map[int]*ladderRounds{}}
	if r.visitors, err = o.visitors(data+".keys", server); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	return r, nil
}

func (o PixelOptions) visitors(keysDir string, server *child) (*visitors, error) {
	keys, err := identity.OpenKeys(keysDir, server.Store)
	if err != nil {
		return nil, err
	}
	people, err := o.population()
	if err != nil {
		return nil, err
	}
	most := warmConnections
	for _, n := range o.Connections {
		most = max(most, n)
	}
	v := newVisitors(people, keys, server.Epoch, uint32(o.Users), storage.DayOf(time.Now()), most, o.Seed)
	v.pages = o.Rules > 0
	if o.NewPercent > 0 {
		v.newIn = uint32(max(1, 100/o.NewPercent))
	}
	return v, nil
}

// climb runs the rounds: in each, every step at every number of connections,
// one directly after the other.
func (o PixelOptions) climb(ctx context.Context, rungs []*rung) error {
	warm := o
	warm.Duration = min(o.Duration, 200*time.Millisecond)
	for _, r := range rungs {
		// Few connections: more of them would bring agents never met all at
		// once, of which the pixel leaves some unchecked and unrecorded.
		if _, err := warm.round(ctx, r, warmConnections); err != nil {
			return err
		}
		r.base, r.hits = r.last, 0
		r.rounds = map[int]*ladderRounds{}
	}
	for round := range o.Rounds {
		for _, connections := range o.Connections {
			for i := range rungs {
				r := rungs[(i+round)%len(rungs)] // nobody always comes after the same
				o.say("round %d of %d: %s at %d connections", round+1, o.Rounds, r.step, connections)
				if _, err := o.round(ctx, r, connections); err != nil {
					return fmt.Errorf("%s at %d connections: %w", r.step, connections, err)
				}
			}
		}
	}
	return nil
}

// round loads one server for the length of a round. The processor time includes
// folding what the round left in the log.
func (o PixelOptions) round(ctx context.Context, r *rung, connections int) (load.Result, error) {
	before, err := r.server.ask(order{Do: askSettle})
	if err != nil {
		return load.Result{}, err
	}
	result, err := load.Run(ctx, load.Options{Addr: r.server.Addr, Connections: connections, Duration: o.Duration}, r.visitors)
	if err != nil {
		return result, err
	}
	after, err := r.server.ask(order{Do: askSettle})
	if err != nil {
		return result, err
	}
	if err := errors.Join(ctx.Err(), check(r, before.Usage, after.Usage, result)); err != nil {
		return result, err
	}
	r.last = after.Usage
	r.hits += result.Answered
	rounds := r.rounds[connections]
	if rounds == nil {
		rounds = &ladderRounds{}
		r.rounds[connections] = rounds
	}
	rounds.cpu = append(rounds.cpu, float64((after.Usage.CPU-before.Usage.CPU).Nanoseconds())/1e3/float64(result.Answered))
	rounds.rate = append(rounds.rate, result.PerSecond())
	rounds.p50 = append(rounds.p50, millis(result.Quantile(50)))
	rounds.p99 = append(rounds.p99, millis(result.Quantile(99)))
	return result, nil
}

// check makes sure that the server did the work that is measured: every hit was
// answered, and the pixel stored all that were not pending.
func check(r *rung, before, after usage, result load.Result) error {
	if result.Answered == 0 || result.Refused+result.Lost > 0 {
		return fmt.Errorf("%w: %d answered, %d refused, %d broken", ErrLost, result.Answered, result.Refused, result.Lost)
	}
	if r.step != stepBatched && r.step != stepDurable {
		return nil
	}
	stored := after.Counters.Stored - before.Counters.Stored
	pending := after.Counters.Pending - before.Counters.Pending
	if stored+pending != uint64(result.Answered) || stored < pending {
		return fmt.Errorf("%w: %d hits, of which the pixel stored %d and kept %d pending", ErrDiffers, result.Answered, stored, pending)
	}
	return nil
}

func (o PixelOptions) report(rungs []*rung) *report.Report {
	r := report.New("bench pixel", append(o.settings(),
		report.Setting{Name: "rounds", Value: o.Rounds}, report.Setting{Name: "of", Value: o.Duration},
		report.Setting{Name: "new browsers", Value: fmt.Sprintf("%d %%", o.NewPercent)},
		report.Setting{Name: "rules", Value: o.Rules})...)
	t := r.Table("server processor time of a hit",
		report.Column{Key: "connections", Head: "connections"},
		report.Column{Key: "step", Head: "step"},
		report.Column{Key: "cpu_us", Head: "CPU µs"},
		report.Column{Key: "ratio", Head: "× bare"},
		report.Column{Key: "per_second", Head: "hits/s"},
		report.Column{Key: "p50_ms", Head: "p50 ms"},
		report.Column{Key: "p99_ms", Head: "p99 ms"})
	for _, connections := range o.Connections {
		bare := rungs[0].rounds[connections]
		for _, g := range rungs {
			a := g.rounds[connections]
			t.Add(connections, g.step, report.Of(a.cpu), report.Of(report.Ratios(a.cpu, bare.cpu)), report.Of(a.rate), report.Of(a.p50), report.Of(a.p99))
		}
	}
	durable := rungs[len(rungs)-1]
	t.Note("CPU is the server process's, user and system; durable includes batching, flushing, folding and publishing, and robots check and gate like batched")
	t.Note("durable over all rounds and the pauses between them, checkpoints included: %.1f µs a hit", float64((durable.last.CPU-durable.base.CPU).Nanoseconds())/1e3/float64(durable.hits))
	t.Note("the client shares the cores: rates and latencies are of both together; × bare is round by round")
	t.Note("claims and agents are counted per address with limits out of reach")
	return r
}
