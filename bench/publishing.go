package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"sosie/bench/meter"
	"sosie/bench/population"
	"sosie/bench/report"
	"sosie/storage"
)

// settle is how long the fold is given to gather what the log has.
const settle = 200 * time.Millisecond

// publishing measures the processor time of one snapshot after a second's worth
// of events of random users on the current day, which is full already: the worst
// case for copy on write. The store's clock stands still, so nothing is published
// or saved but what is asked for.
func (o StorageOptions) publishing(ctx context.Context, r *report.Report, store *storage.Store, people *population.Population, clock *calendar) error {
	o.say("publishing")
	f := &feeder{store: store, people: people, clock: clock, out: o.Output}
	if err := f.bind(); err != nil {
		return err
	}
	t := r.Table("publishing a snapshot each second",
		report.Column{Key: "events", Head: "events"},
		report.Column{Key: "per_second", Head: "a second"},
		report.Column{Key: "publish_ms", Head: "CPU ms to publish"},
		report.Column{Key: "core_share_percent", Head: "% of a core"},
		report.Column{Key: "gather_ms", Head: "CPU ms to append and gather"})
	for _, kind := range []struct {
		name     string
		reserved bool
	}{{"tags, reserved ones counted", true}, {"labels, reserved ones on top", false}} {
		perHit := 2
		if kind.reserved {
			perHit = 4
		}
		var publish, gather, share []float64
		for round := range o.Publishes + 2 {
			if err := ctx.Err(); err != nil {
				return err
			}
			a, b, err := o.publishOnce(f, o.Rate/perHit, uint64(round))
			if err != nil {
				return err
			}
			if round < 2 {
				continue // the first ones warm up
			}
			gather, publish, share = append(gather, a), append(publish, b), append(share, b/10)
		}
		t.Add(kind.name, o.Rate, report.Of(publish), report.Of(share), report.Of(gather))
	}
	t.Note("a hit carries two labels drawn like the population's, and the reserved labels seen and site; users are uniform over all; appends of %d hits", batchHits)
	return nil
}

// publishOnce appends a second's worth of hits, waits until they are gathered,
// and publishes; it returns the milliseconds of processor time of both.
func (o StorageOptions) publishOnce(f *feeder, hits int, seed uint64) (gather, publish float64, err error) {
	random := rand.New(rand.NewPCG(o.Seed, seed))
	day := storage.DayOf(f.clock.Now())
	var batches []*storage.Records
	var labels []uint16
	for n := 0; n < hits; n++ {
		if n%batchHits == 0 {
			batches = append(batches, new(storage.Records))
		}
		labels = f.people.Labels(random.Uint32N(uint32(o.Users)), labels[:0])
		a, b := labels[0], labels[len(labels)-1]
		batches[len(batches)-1].Hit(storage.Ordinal(random.Uint32N(uint32(o.Users))), day, f.site, f.labels[a], f.labels[b])
	}
	start := meter.CPU()
	for _, r := range batches {
		if _, err := f.store.Append(r); err != nil {
			return 0, 0, fmt.Errorf("append events: %w", err)
		}
	}
	time.Sleep(settle)
	gathered := meter.CPU()
	err = f.store.Sync()
	return millis(gathered - start), millis(meter.CPU() - gathered), err
}
