package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"sosie/bench/meter"
	"sosie/bench/population"
	"sosie/bench/report"
	"sosie/storage"
)

// StorageOptions configure Storage.
type StorageOptions struct {
	Shape
	Output
	SimulateDays int    `help:"Days to live through, each with its midnight; 0 means as many as tags are kept. More than that lets days expire."`
	Checkpoints  int    `help:"Checkpoints in each simulated day." default:"24"`
	Import       bool   `help:"Import the days at once instead of living through their midnights: faster to make, and nothing expires."`
	Rounds       int    `help:"Times the store is opened again." default:"3"`
	IDs          int    `name:"ids" help:"Ids in both directions; 0 means one for each user, -1 none."`
	Publishes    int    `help:"Snapshots published while measuring their cost; -1 means none." default:"10"`
	Appends      int    `help:"Durable appends of each size, each beside a raw flush." default:"150"`
	Rate         int    `help:"Events a second that the cost of publishing is related to." default:"100000"`
	Dir          string `help:"Directory to make the store in; empty means the one for temporary files."`
	Keep         string `help:"Data directory to leave the filled store in, for bench soak; it must not exist."`

	first storage.Day // day 0 of the population
}

func (o StorageOptions) normal() StorageOptions {
	o.Shape = o.Shape.normal()
	setDefault(&o.SimulateDays, o.Days)
	setDefault(&o.Checkpoints, 24)
	setDefault(&o.Rounds, 3)
	setDefault(&o.IDs, o.Users)
	setDefault(&o.Publishes, 10)
	setDefault(&o.Rate, 100_000)
	setDefault(&o.Appends, 150)
	o.first = storage.DayOf(time.Now()) - storage.Day(o.SimulateDays) + 1
	return o
}

// Storage fills a store with a population, day by day under a simulated clock,
// and measures what it costs in memory, on disk, on the device and at opening;
// then appends, publishing and ids.
func Storage(ctx context.Context, o StorageOptions, out io.Writer) error {
	o = o.normal()
	if o.Days < 7 || o.Labels < 100 {
		return fmt.Errorf("bench storage: %w: the first count needs 100 labels and 7 days", ErrOptions)
	}
	r, err := o.run(ctx)
	if err != nil {
		return fmt.Errorf("bench storage: %w", err)
	}
	return r.Write(out, o.JSON)
}

func (o StorageOptions) run(ctx context.Context) (*report.Report, error) {
	dir, remove, err := workDir(o.Dir, "storage")
	if err != nil {
		return nil, err
	}
	defer remove()
	r := report.New("bench storage", append(o.settings(),
		report.Setting{Name: "simulated days", Value: o.SimulateDays},
		report.Setting{Name: "checkpoints a day", Value: o.Checkpoints},
		report.Setting{Name: "import", Value: o.Import})...)
	data, done, err := o.dataDir(dir)
	if err != nil {
		return nil, err
	}
	if err := o.blocks(ctx, r, data); err != nil {
		return nil, errors.Join(err, done())
	}
	if err := done(); err != nil {
		return nil, err
	}
	o.say("flushing")
	if err := o.appends(ctx, r, filepath.Join(dir, "appends")); err != nil {
		return nil, err
	}
	if o.IDs > 0 {
		if err := o.ids(ctx, r, filepath.Join(dir, "ids")); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// dataDir makes the directory of the store, with its log apart. done puts the
// log back into a store that is kept.
func (o StorageOptions) dataDir(work string) (data string, done func() error, err error) {
	data = filepath.Join(work, "data")
	if o.Keep != "" {
		data = o.Keep
		if _, err := os.Stat(data); err == nil {
			return "", nil, fmt.Errorf("%w: %s exists already", ErrOptions, data)
		}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", nil, err
	}
	_, back, err := logApart(data)
	if err != nil {
		return "", nil, err
	}
	if o.Keep == "" {
		return data, func() error { _ = back(); return nil }, nil
	}
	return data, func() error {
		if err := back(); err != nil {
			return err
		}
		return o.remember(data)
	}, nil
}

// blocks fills the store and measures it, then opens it again and again.
func (o StorageOptions) blocks(ctx context.Context, r *report.Report, data string) error {
	people, err := o.population()
	if err != nil {
		return err
	}
	clock := &calendar{}
	clock.Set(o.first.Time())
	made, err := o.fill(ctx, data, people, clock)
	if err != nil {
		return err
	}
	made.report(r.Table("filling and disk", report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "value", Head: "value"}, report.Column{Key: "unit", Head: "unit"}))
	return o.open(ctx, r, data, people, clock)
}

// filled is what filling a store cost.
type filled struct {
	took             time.Duration
	tags, all        int64 // (user, label, day) in force, without and with reserved labels
	fed              int64 // over all days, with reserved labels
	written          int64 // bytes to the device until closed
	sealed           int64 // bytes of blocks
	openLog, openDir int64 // on disk while running
	log, store       int64 // on disk when closed
	counted          bool  // whether written is known
	apart            bool
}

func (o StorageOptions) fill(ctx context.Context, data string, people *population.Population, clock *calendar) (m filled, err error) {
	before, meterErr := meter.Written()
	info, err := os.Lstat(filepath.Join(data, logFolder))
	m.apart = err == nil && info.Mode()&os.ModeSymlink != 0
	store, err := storage.Open(storage.Options{Dir: data, Clock: clock.Now, CheckpointEvery: 1 << 62})
	if err != nil {
		return m, err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, store.Close())
		}
	}()
	f, err := newFeeder(store, people, clock, o.first, o.Output)
	if err != nil {
		return m, err
	}
	f.steps = o.Checkpoints
	start := time.Now()
	if o.Import {
		err = f.fill(ctx, o.SimulateDays)
	} else {
		err = f.simulate(ctx, o.SimulateDays)
	}
	if err != nil {
		return m, err
	}
	m.took = time.Since(start)
	m.tags, m.all = f.inForce()
	for day := range f.fed {
		m.fed += f.fed[day] + 2*f.hits[day]
	}
	status, err := store.Status()
	if err != nil {
		return m, err
	}
	m.sealed = status.Disk.Sealed
	if m.openLog, m.openDir, err = onDisk(data); err != nil {
		return m, err
	}
	closed = true
	if err := store.Close(); err != nil {
		return m, err
	}
	if m.log, m.store, err = onDisk(data); err != nil {
		return m, err
	}
	after, err := meter.Written()
	m.written, m.counted = after-before, meterErr == nil && err == nil
	return m, nil
}

func (m filled) report(t *report.Table) {
	per := func(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
	t.Add("fed, reserved labels included", m.fed, "(user, label, day)")
	t.Add("rate, making the users included", float64(m.fed)/m.took.Seconds(), "a second")
	t.Add("in force", m.tags, "(user, label, day)")
	t.Add("in force, reserved labels included", m.all, "(user, label, day)")
	t.Add("on disk when closed, store", m.store, "bytes")
	t.Add("  each", per(m.store, m.tags), "bytes a (user, label, day)")
	t.Add("  each, reserved labels counted", per(m.store, m.all), "bytes a (user, label, day)")
	t.Add("on disk when closed, log", m.log, "bytes")
	t.Add("on disk before closing, store", m.openDir, "bytes")
	t.Add("  each, log and store", per(m.openDir+m.openLog, m.tags), "bytes a (user, label, day)")
	t.Add("  each, store, reserved labels counted", per(m.openDir, m.all), "bytes a (user, label, day)")
	t.Add("on disk before closing, log", m.openLog, "bytes")
	t.Add("blocks sealed", m.sealed, "bytes")
	if m.counted {
		t.Add("written to the device", m.written, "bytes")
		t.Add("  each byte of sealed block", per(m.written, m.sealed), "bytes")
	}
	if m.apart {
		t.Note("the log lay in memory while filling, so what was written to the device is the store directory's alone")
	} else {
		t.Note("no file system without a device was found: what was written to the device includes the log")
	}
	t.Note("disk is allocated blocks of all files; the last day is open and on disk as deltas")
}

// open opens the store several times, as after a restart.
func (o StorageOptions) open(ctx context.Context, r *report.Report, data string, people *population.Population, clock *calendar) error {
	var opened, counted, both, heap, collections, pauses []float64
	var objects int64
	first := questions(o.Labels)[0]
	last := (o.SimulateDays - 1) % o.Days
	cycle := (o.SimulateDays - 1) / o.Days
	var want uint64
	if last == o.Days-1 { // a whole cycle is in force
		o.say("counting by brute force")
		want = people.Count(cycle, func(h population.Held) bool { return first.query.Holds(h, last) })
	}
	for round := range o.Rounds {
		o.say("opening, round %d", round+1)
		base, _, _ := meter.Live()
		start := time.Now()
		store, err := storage.Open(storage.Options{Dir: data, Clock: clock.Now, CheckpointEvery: 1 << 62, PublishEvery: 1 << 62})
		if err != nil {
			return err
		}
		loaded := time.Since(start)
		got, err := count(ctx, store.View(), first.expression())
		total := time.Since(start)
		if err == nil && want != 0 && got != want {
			err = fmt.Errorf("%w: %s is %d by the store and %d by brute force", ErrDiffers, first.expression(), got, want)
		}
		if err != nil {
			return errors.Join(err, store.Close())
		}
		live, n, collection := meter.Live()
		opened, both = append(opened, seconds(loaded)), append(both, seconds(total))
		counted = append(counted, millis(total-loaded))
		heap = append(heap, float64(live-base)/float64(o.Users))
		collections, pauses = append(collections, millis(collection)), append(pauses, lastPause())
		objects = n
		if round == o.Rounds-1 && o.Publishes > 0 {
			err = o.publishing(ctx, r, store, people, clock)
		}
		if err := errors.Join(err, store.Close()); err != nil {
			return err
		}
	}
	t := r.Table("opening, with a warm page cache", report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "value", Head: "value"}, report.Column{Key: "unit", Head: "unit"})
	t.Add("open and load", report.Of(opened), "s")
	t.Add("first count, ten labels", report.Of(counted), "ms")
	t.Add("open, load and first count", report.Of(both), "s")
	t.Add("heap", report.Of(heap), "bytes a user")
	t.Add("heap objects", objects, "")
	t.Add("forced collection", report.Of(collections), "ms")
	t.Add("  of it stopping the world", report.Of(pauses), "ms")
	if want != 0 {
		t.Note("the first count was compared with a brute force over all users")
	} else {
		t.Note("the first count was not compared: the simulated days are no multiple of the days kept")
	}
	return nil
}

func seconds(d time.Duration) float64 { return d.Seconds() }

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

// lastPause is how long the last collection stopped the world, in milliseconds.
func lastPause() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.PauseNs[(stats.NumGC+255)%256]) / 1e6
}
