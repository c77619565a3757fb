package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"time"

	"sosie/bench/load"
	"sosie/pixel/identity"
	"sosie/storage"
)

// SoakOptions configure Soak.
type SoakOptions struct {
	Shape
	Output
	Data        string        `help:"Data directory that bench storage --keep has filled; its population is used. Empty makes one with the given population."`
	Dir         string        `help:"Directory for what is made on the way; empty means the one for temporary files."`
	Duration    time.Duration `help:"How long to send hits." default:"30s"`
	Rate        int           `help:"Hits a second; 0 means as many as are answered."`
	Connections int           `help:"Keep-alive connections." default:"256"`
	Memory      int64         `help:"Memory budget of the server in bytes; 0 means none."`
	Every       time.Duration `help:"Time between samples, each with two counts." default:"1s"`
	ExportEvery time.Duration `help:"Time between exports of the ten-label segment." default:"30s"`
	NewPercent  int           `help:"Hits of new browsers, in percent."`
	CSV         string        `help:"File for the samples."`
	Plot        string        `help:"Path of the drawing, without .png and .svg."`
}

func (o SoakOptions) normal() SoakOptions {
	o.Shape = o.Shape.normal()
	setDefault(&o.Duration, 30*time.Second)
	setDefault(&o.Connections, 256)
	setDefault(&o.Every, time.Second)
	setDefault(&o.ExportEvery, 30*time.Second)
	return o
}

// soak is one run.
type soak struct {
	SoakOptions
	server   *child
	visitors *visitors
	control  control
	samples  *samples
	ten      string    // the ten-label segment
	dir      string    // for what is made on the way
	midnight time.Time // on the real clock
}

// Soak sends hits of uniformly random returning users to a big store while it
// is counted and exported, through a midnight in the middle, and samples rate,
// latency, memory, what reaches the device and how far the log is behind. Counts
// of a control label must be exact at every moment, and in the end those of the
// users whose hits were acknowledged.
func Soak(ctx context.Context, o SoakOptions, out io.Writer) error {
	s := &soak{SoakOptions: o.normal()}
	if s.Days < 8 || s.Labels < 100 {
		return fmt.Errorf("bench soak: %w: the counts need 100 labels and 8 days", ErrOptions)
	}
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("bench soak: %w", err)
	}
	if s.CSV != "" {
		if err := s.samples.SaveCSV(s.CSV); err != nil {
			return fmt.Errorf("bench soak: %w", err)
		}
	}
	if s.Plot != "" {
		if err := s.samples.Save(s.Plot, s.midnight.Sub(s.samples.begun), panels); err != nil {
			return fmt.Errorf("bench soak: %w", err)
		}
	}
	return s.report().Write(out, s.JSON)
}

func (s *soak) run(ctx context.Context) (err error) {
	dir, remove, err := workDir(s.Dir, "soak")
	if err != nil {
		return err
	}
	defer remove()
	s.dir = dir
	day, err := s.prepare(ctx, func(store *storage.Store, day storage.Day) (err error) {
		s.control, err = plantControl(store, day, uint32(s.Users), s.Days)
		return err
	})
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what the store took while it was prepared is the server's now
	s.say("starting the server")
	s.midnight = time.Now().Add(s.Duration / 2)
	s.server, err = startServer(ctx, serveOrder{
		Step: stepDurable, Data: s.Data, Keys: s.keys(), Shape: s.Shape, Offset: (day + 1).Time().Sub(s.midnight), Memory: s.Memory,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.stop()) }()
	return s.drive(ctx)
}

func (s *soak) keys() string { return filepath.Join(s.dir, "keys") }

// prepare fills a store unless one was given, lets plant add to it, seals the
// cookies of all users, and returns the last day fed, on which the soak begins.
func (s *soak) prepare(ctx context.Context, plant func(*storage.Store, storage.Day) error) (storage.Day, error) {
	if s.Data == "" {
		s.Data = filepath.Join(s.dir, "data")
		made := StorageOptions{Shape: s.Shape, Output: s.Output, Import: true}.normal()
		if err := made.make(ctx, s.Data); err != nil {
			return 0, err
		}
	}
	m, err := recall(s.Data)
	if err != nil {
		return 0, err
	}
	s.Shape = m.Shape
	s.ten = questions(s.Labels)[0].expression()
	day := m.First + storage.Day(m.Days) - 1
	clock := &calendar{}
	clock.Set(day.Time().Add(12 * time.Hour))
	s.say("opening the store")
	store, err := storage.Open(storage.Options{Dir: s.Data, Clock: clock.Now})
	if err != nil {
		return 0, err
	}
	if err = plant(store, day); err == nil {
		err = s.invite(store, day)
	}
	return day, errors.Join(err, store.Close())
}

// make fills a data directory and nothing else.
func (o StorageOptions) make(ctx context.Context, data string) error {
	people, err := o.population()
	if err != nil {
		return err
	}
	clock := &calendar{}
	clock.Set(o.first.Time())
	if _, err := o.fill(ctx, data, people, clock); err != nil {
		return err
	}
	return o.remember(data)
}

// invite makes the store's keys and seals the cookies of all users.
func (s *soak) invite(store *storage.Store, born storage.Day) error {
	s.say("sealing %d cookies", s.Users)
	keys, err := identity.CreateKeys(s.keys(), store.ID())
	if err != nil {
		return err
	}
	people, err := s.population()
	if err != nil {
		return err
	}
	s.visitors = newVisitors(people, keys, store.Epoch(), uint32(s.Users), born, s.Connections, s.Seed)
	s.visitors.mark = liveLabel
	if s.NewPercent > 0 {
		s.visitors.newIn = uint32(max(1, 100/s.NewPercent))
	}
	return nil
}

// drive sends the traffic while a watcher asks, and compares the end.
func (s *soak) drive(ctx context.Context) error {
	s.samples = newSamples()
	results := make(chan load.Result, 1<<12)
	watched := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { watched <- s.watch(ctx, cancel, results) }()
	total, err := load.Run(ctx, load.Options{
		Addr: s.server.Addr, Connections: s.Connections, Duration: s.Duration, Rate: s.Rate,
		Every: s.Every, Sample: func(r load.Result) { results <- r },
	}, s.visitors)
	close(results)
	if err := errors.Join(err, <-watched, ctx.Err()); err != nil {
		return err
	}
	if total.Answered == 0 || total.Refused+total.Lost > 0 {
		return fmt.Errorf("%w: %d answered, %d refused, %d broken", ErrLost, total.Answered, total.Refused, total.Lost)
	}
	s.samples.total = total
	return s.finish()
}

// finish compares what was acknowledged with what is stored.
func (s *soak) finish() error {
	s.say("comparing")
	last, err := s.server.ask(order{Do: askSettle})
	if err != nil {
		return err
	}
	s.samples.last = last.Usage
	live, err := s.server.ask(order{Do: askCount, Expression: liveLabel})
	if err != nil {
		return err
	}
	if want := s.visitors.acknowledged() + uint64(s.visitors.claimed); live.Count != want {
		return fmt.Errorf("%w: %s is %d, %d users were acknowledged", ErrDiffers, liveLabel, live.Count, want)
	}
	s.samples.live = live.Count
	if text := last.Usage.Exports.Error; text != "" {
		return fmt.Errorf("export: %s", text)
	}
	return nil
}
