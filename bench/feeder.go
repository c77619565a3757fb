package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sosie/bench/population"
	"sosie/storage"
)

// siteKey is the site that all simulated hits come from.
const siteKey = "bench"

// batchHits is the number of hits in one append while feeding, which makes the
// log's share of the time small.
const batchHits = 10_000

// feeder writes a population into a store as hits, day by day.
type feeder struct {
	store  *storage.Store
	people *population.Population
	clock  *calendar
	first  storage.Day // day 0 of the population
	steps  int         // slices of a day, each followed by a checkpoint
	out    Output

	labels []storage.Label // by rank
	site   storage.Label
	fed    []int64 // (user, label) of each day fed, without reserved labels
	hits   []int64 // users of each day fed
}

// newFeeder declares the population's labels, kept as long as its window, and
// takes an ordinal for each of its users in a store that has none yet.
func newFeeder(store *storage.Store, people *population.Population, clock *calendar, first storage.Day, out Output) (*feeder, error) {
	f := &feeder{store: store, people: people, clock: clock, first: first, steps: 1, out: out}
	if err := f.bind(); err != nil {
		return nil, err
	}
	u, err := store.NewUsers(people.Spec().Users)
	if err != nil {
		return nil, fmt.Errorf("feed population: %w", err)
	}
	if u != 0 {
		return nil, fmt.Errorf("feed population: %w: the store already has %d users", ErrOptions, u)
	}
	return f, nil
}

// bind learns the numbers of the population's labels.
func (f *feeder) bind() error {
	specs := make([]storage.LabelSpec, f.people.Spec().Labels)
	for i, name := range f.people.Names() {
		specs[i] = storage.LabelSpec{Name: name, Retention: f.people.Spec().Window}
	}
	var err error
	if f.labels, err = f.store.Declare(specs...); err != nil {
		return fmt.Errorf("feed population: %w", err)
	}
	if f.site, err = f.store.DeclareSite(siteKey); err != nil {
		return fmt.Errorf("feed population: %w", err)
	}
	return nil
}

// simulate lives through the days before end, each with its checkpoints and its
// midnight, as a server would. The clock is left on the last day.
func (f *feeder) simulate(ctx context.Context, end int) error {
	return f.people.Feed(ctx, 0, end, func(day int, chunks [][]population.Key) error {
		f.out.say("day %d of %d", day+1, end)
		midnight := (f.first + storage.Day(day)).Time()
		f.clock.Set(midnight)
		if err := f.store.Sync(); err != nil { // seals yesterday and expires what is due
			return err
		}
		for step := range f.steps {
			f.clock.Set(midnight.Add(time.Duration(step) * 24 * time.Hour / time.Duration(f.steps)))
			if err := f.feed(ctx, day, chunks, step); err != nil {
				return err
			}
			if err := f.store.Checkpoint(); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill imports the days before end with the clock on the last of them: the same
// answers as simulate without its midnights.
func (f *feeder) fill(ctx context.Context, end int) error {
	f.clock.Set((f.first + storage.Day(end-1)).Time().Add(12 * time.Hour))
	f.steps = 1
	err := f.people.Feed(ctx, 0, end, func(day int, chunks [][]population.Key) error {
		f.out.say("day %d of %d", day+1, end)
		if err := f.feed(ctx, day, chunks, 0); err != nil {
			return err
		}
		return f.store.Seal()
	})
	if err != nil {
		return err
	}
	return f.store.Checkpoint()
}

// feed appends the hits of one slice of a day and waits until they are in the
// view.
func (f *feeder) feed(ctx context.Context, day int, chunks [][]population.Key, step int) error {
	batches := make(chan *storage.Records, 2)
	free := make(chan *storage.Records, 4)
	for range cap(free) {
		free <- new(storage.Records)
	}
	const appenders = 2 // one gathers while the other waits for the device
	errs := make([]error, appenders)
	var wait sync.WaitGroup
	for i := range appenders {
		wait.Go(func() {
			for r := range batches {
				if errs[i] == nil {
					_, errs[i] = f.store.Append(r)
				}
				r.Reset()
				free <- r
			}
		})
	}
	f.pack(ctx, day, chunks, step, free, batches)
	close(batches)
	wait.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return fmt.Errorf("feed day %d: %w", day, err)
	}
	return f.store.Sync()
}

// pack turns the keys of a slice of a day into batches of hits. A hit falls into
// the slice that its user and day choose, so that each slice touches all chunks.
func (f *feeder) pack(ctx context.Context, day int, chunks [][]population.Key, step int, free <-chan *storage.Records, to chan<- *storage.Records) {
	for len(f.fed) <= day {
		f.fed, f.hits = append(f.fed, 0), append(f.hits, 0)
	}
	r, n := <-free, 0
	labels := make([]storage.Label, 0, 64)
	for c, keys := range chunks {
		if ctx.Err() != nil {
			return
		}
		_ = population.ByUser(keys, func(low uint16, tags []population.Key) error {
			if f.steps > 1 && int((uint32(low)*2654435761+uint32(day)*40503)>>8)%f.steps != step {
				return nil
			}
			labels = append(labels[:0], f.site)
			for _, t := range tags {
				labels = append(labels, f.labels[t.Label()])
			}
			r.Hit(storage.At(c, low), f.first+storage.Day(day), labels...)
			f.fed[day] += int64(len(tags))
			f.hits[day]++
			if n++; n == batchHits {
				to <- r
				r, n = <-free, 0
			}
			return nil
		})
	}
	if n > 0 {
		to <- r
	}
}

// inForce returns the number of (user, label, day) that the last window of days
// fed holds, without and with the reserved labels `seen` and `site/…`.
func (f *feeder) inForce() (labels, withReserved int64) {
	for day := max(0, len(f.fed)-f.people.Spec().Window); day < len(f.fed); day++ {
		labels += f.fed[day]
		withReserved += f.fed[day] + 2*f.hits[day]
	}
	return labels, withReserved
}
