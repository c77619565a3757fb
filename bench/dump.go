package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"sosie/bench/load"
	"sosie/bench/report"
	"sosie/storage"
	"sosie/storage/dump"
)

// DumpOptions configure Dump.
type DumpOptions struct {
	Shape
	Output
	Data        string        `help:"Data directory that bench storage --keep has filled; its population is used. Empty makes one with the given population."`
	Dir         string        `help:"Directory for the dumps; empty means the one for temporary files."`
	Rate        int           `help:"Hits a second that the pixel answers meanwhile." default:"2000"`
	Connections int           `help:"Keep-alive connections." default:"64"`
	Quiet       time.Duration `help:"How long hits are sent without a dump before each." default:"15s"`
	Rounds      int           `help:"Dumps." default:"3"`
	Memory      int64         `help:"Memory budget of the server in bytes; 0 means none."`
}

func (o DumpOptions) normal() DumpOptions {
	o.Shape = o.Shape.normal()
	setDefault(&o.Rate, 2000)
	setDefault(&o.Connections, 64)
	setDefault(&o.Quiet, 15*time.Second)
	setDefault(&o.Rounds, 3)
	return o
}

// Dump dumps a big store while its pixel answers a steady rate of hits, and
// compares the latency with that just before.
func Dump(ctx context.Context, o DumpOptions, out io.Writer) error {
	r, err := o.normal().run(ctx)
	if err != nil {
		return fmt.Errorf("bench dump: %w", err)
	}
	return r.Write(out, o.JSON)
}

func (o DumpOptions) run(ctx context.Context) (r *report.Report, err error) {
	s := &soak{SoakOptions: SoakOptions{Shape: o.Shape, Output: o.Output, Data: o.Data, Connections: o.Connections}}
	var remove func()
	if s.dir, remove, err = workDir(o.Dir, "dump"); err != nil {
		return nil, err
	}
	defer remove()
	day, err := s.prepare(ctx, func(*storage.Store, storage.Day) error { return nil })
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	o.say("starting the server")
	s.server, err = startServer(ctx, serveOrder{Step: stepDurable, Data: s.Data, Keys: s.keys(), Shape: s.Shape,
		Offset: time.Until(day.Time().Add(12 * time.Hour)), Memory: o.Memory})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.server.stop()) }()

	o.Shape = s.Shape
	r = report.New("bench dump", append(o.settings(), report.Setting{Name: "rate", Value: o.Rate},
		report.Setting{Name: "connections", Value: o.Connections}, report.Setting{Name: "rounds", Value: o.Rounds})...)
	t := r.Table("dumps under load",
		report.Column{Key: "dump_s", Head: "dump, s"}, report.Column{Key: "bytes", Head: "bytes"},
		report.Column{Key: "quiet_p50_ms", Head: "p50 before, ms"}, report.Column{Key: "p50_ms", Head: "p50, ms"},
		report.Column{Key: "quiet_p99_ms", Head: "p99 before, ms"}, report.Column{Key: "p99_ms", Head: "p99, ms"},
		report.Column{Key: "p99_ratio", Head: "×"},
		report.Column{Key: "anon_before", Head: "memory before"}, report.Column{Key: "anon_worst", Head: "worst"},
		report.Column{Key: "refused", Head: "not answered 200"})
	for round := range o.Rounds {
		o.say("round %d: hits alone", round+1)
		quiet, err := s.hits(ctx, o, o.Quiet)
		if err != nil {
			return nil, err
		}
		o.say("round %d: dumping", round+1)
		d, err := s.dump(ctx, o, filepath.Join(s.dir, fmt.Sprintf("dump-%d", round)))
		if err != nil {
			return nil, err
		}
		q, during := millis(quiet.Quantile(99)), millis(d.hits.Quantile(99))
		t.Add(seconds(d.took), d.bytes, millis(quiet.Quantile(50)), millis(d.hits.Quantile(50)), q, during, during/q,
			d.before, d.worst, quiet.Refused+quiet.Lost+d.hits.Refused+d.hits.Lost)
	}
	t.Note("memory is the server's anonymous one, in bytes, sampled five times a second")
	return r, nil
}

// hits sends hits for a time, or until ctx ends.
func (s *soak) hits(ctx context.Context, o DumpOptions, duration time.Duration) (load.Result, error) {
	return load.Run(ctx, load.Options{Addr: s.server.Addr, Connections: o.Connections, Duration: duration, Rate: o.Rate}, s.visitors)
}

// dumped is what one dump took, and what the hits were like meanwhile.
type dumped struct {
	took          time.Duration
	bytes         int64
	before, worst int64
	hits          load.Result
}

// longestDump bounds a dump that never ends.
const longestDump = 10 * time.Minute

// dump lets the server dump while hits are sent.
func (s *soak) dump(ctx context.Context, o DumpOptions, dir string) (d dumped, err error) {
	first, err := s.server.ask(order{Do: askUsage})
	if err != nil {
		return d, err
	}
	d.before = first.Usage.Memory.Anon
	if _, err := s.server.ask(order{Do: askDump, Path: dir}); err != nil {
		return d, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	var watching sync.WaitGroup
	var failed error
	watching.Go(func() {
		defer stop()
		for loading.Err() == nil {
			a, err := s.server.ask(order{Do: askUsage})
			if err != nil {
				failed = err
				return
			}
			d.worst = max(d.worst, a.Usage.Memory.Anon)
			if now := a.Usage.Dump; !now.Busy {
				d.took, d.bytes = now.Took, now.Bytes
				if now.Error != "" {
					failed = errors.New(now.Error)
				}
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	d.hits, err = s.hits(loading, o, longestDump)
	stop()
	watching.Wait()
	return d, errors.Join(err, failed, ctx.Err(), os.RemoveAll(dir))
}

// dumps writes dumps beside the answers of a server, one at a time.
type dumps struct {
	mu      sync.Mutex
	running sync.WaitGroup
	state   dumpState
}

// dumpState is the dump under way, or the last one.
type dumpState struct {
	Busy  bool          `json:"busy"`
	Took  time.Duration `json:"took"`
	Bytes int64         `json:"bytes"`
	Error string        `json:"error,omitempty"`
}

func (d *dumps) start(ctx context.Context, s *storage.Store, dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = dumpState{Busy: true}
	d.running.Go(func() {
		start := time.Now()
		m, err := dump.Write(ctx, s, dir, dump.Options{Product: "bench"})
		done := dumpState{Took: time.Since(start)}
		if err != nil {
			done.Error = err.Error()
		} else {
			for _, f := range m.Files {
				done.Bytes += f.Size
			}
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.state = done
	})
}

func (d *dumps) now() dumpState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}
