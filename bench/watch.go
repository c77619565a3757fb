package bench

import (
	"context"
	"path/filepath"
	"time"

	"sosie/bench/load"
	"sosie/bench/report"
	"sosie/bench/series"
)

// samples are what a soak saw over time.
type samples struct {
	*series.Series
	total    load.Result
	first    usage
	last     usage
	live     uint64
	counts   int           // control counts that were compared
	turned   time.Time     // when the first answer of the new day came
	gap      time.Duration // longest time between two answers
	begun    time.Time
	previous usage
}

// The columns of the samples.
const (
	colRate     = "hits_per_second"
	colP50      = "p50_ms"
	colP99      = "p99_ms"
	colDevice   = "device_bytes_per_hit"
	colUnfolded = "batches_not_folded"
	colUnsaved  = "batches_not_saved"
	colLog      = "log_mb"
	colStore    = "store_mb"
	colResident = "resident_mb"
	colAnon     = "anon_mb"
	colHeap     = "heap_mb"
	colCore     = "server_cores"
	colGold     = "count_control_ms"
	colTen      = "count_ten_labels_ms"
	colExports  = "exports"
	colDay      = "day"
)

func newSamples() *samples {
	return &samples{Series: series.New(colRate, colP50, colP99, colDevice, colUnfolded, colUnsaved, colLog, colStore,
		colResident, colAnon, colHeap, colCore, colGold, colTen, colExports, colDay)}
}

// panels are the drawing of a soak.
var panels = []series.Panel{
	{Title: "acknowledged hits a second", Lines: []series.Line{{Column: colRate}}},
	{Title: "pixel latency, ms", Lines: []series.Line{{Column: colP50, Label: "p50"}, {Column: colP99, Label: "p99"}}},
	{Title: "bytes written to the device per hit", Lines: []series.Line{{Column: colDevice}}},
	{Title: "log: batches behind the newest", Lines: []series.Line{{Column: colUnfolded, Label: "not folded"}, {Column: colUnsaved, Label: "not saved"}}},
	{Title: "log on disk, MB", Lines: []series.Line{{Column: colLog}}},
	{Title: "memory of the server, MB", Lines: []series.Line{{Column: colResident, Label: "resident"}, {Column: colAnon, Label: "anonymous"}, {Column: colHeap, Label: "heap"}}},
	{Title: "counts, ms", Lines: []series.Line{{Column: colGold, Label: "control label, 7 days"}, {Column: colTen, Label: "ten labels"}}},
}

// watch asks the server after each sample of the load until there are no more.
// A wrong answer ends the traffic.
func (s *soak) watch(ctx context.Context, stop func(), results <-chan load.Result) error {
	start, err := s.server.ask(order{Do: askUsage})
	if err != nil {
		stop()
		return err
	}
	w := s.samples
	w.first, w.previous, w.begun = start.Usage, start.Usage, time.Now()
	answered, exported := w.begun, w.begun.Add(-s.ExportEvery+s.Every)
	for r := range results {
		if time.Since(exported) >= s.ExportEvery {
			exported = time.Now()
			if _, err := s.server.ask(order{Do: askExport, Expression: s.ten, Path: filepath.Join(s.dir, "soak.csv.gz")}); err != nil {
				stop()
				return err
			}
		}
		if err := s.sample(r); err != nil {
			stop()
			return err
		}
		w.gap = max(w.gap, time.Since(answered))
		answered = time.Now()
		s.say("%s of %s: %.0f hits/s", time.Since(w.begun).Round(time.Second), s.Duration, r.PerSecond())
	}
	return ctx.Err()
}

// sample asks for usage and three counts, compares the control, and adds a row.
func (s *soak) sample(r load.Result) error {
	used, err := s.server.ask(order{Do: askUsage})
	if err != nil {
		return err
	}
	var took [3]float64
	var day float64
	for i, expression := range []string{goldWeek, goldLabel, s.ten} {
		a, err := s.server.ask(order{Do: askCount, Expression: expression})
		if err != nil {
			return err
		}
		took[i] = millis(a.Took)
		if i == 2 {
			continue
		}
		if err := s.control.check(expression, a); err != nil {
			return err
		}
		s.samples.counts++
		day = float64(a.Stamp.Day - s.control.day)
	}
	w, u := s.samples, used.Usage
	at := time.Since(w.begun)
	if day > 0 && w.turned.IsZero() {
		w.turned = time.Now()
	}
	hits := float64(max(u.Counters.Hits-w.previous.Counters.Hits, 1))
	mb := func(n int64) float64 { return float64(n) / 1e6 }
	log := u.Status.Log
	w.Add(at, r.PerSecond(), millis(r.Quantile(50)), millis(r.Quantile(99)), float64(u.Written-w.previous.Written)/hits,
		float64(log.Seq-log.Folded), float64(log.Seq-log.Saved), mb(u.Status.Disk.Log), mb(u.Status.Disk.Store),
		mb(u.Memory.Resident), mb(u.Memory.Anon), mb(u.Memory.Heap), (u.CPU-w.previous.CPU).Seconds()/max(r.Elapsed.Seconds(), 1e-3),
		took[0], took[2], float64(u.Exports.Done), day)
	w.previous = u
	return nil
}

// report compares the first third with the last and names the worst.
func (s *soak) report() *report.Report {
	w := s.samples
	r := report.New("bench soak", append(s.settings(),
		report.Setting{Name: "for", Value: s.Duration}, report.Setting{Name: "connections", Value: s.Connections},
		report.Setting{Name: "rate", Value: s.Rate}, report.Setting{Name: "memory", Value: s.Memory})...)
	t := r.Table("over time: medians of the samples",
		report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "first_third", Head: "first third"},
		report.Column{Key: "last_third", Head: "last third"}, report.Column{Key: "max", Head: "worst"})
	for _, c := range w.Columns[:len(w.Columns)-2] {
		figures := w.Column(c)
		third := max(1, len(figures)/3)
		if len(figures) == 0 {
			continue
		}
		worst := report.Of(figures).Max
		if c == colRate {
			worst = report.Of(figures).Min
		}
		t.Add(c, report.Of(figures[:third]).Median, report.Of(figures[len(figures)-third:]).Median, worst)
	}
	hits := w.last.Counters.Hits - w.first.Counters.Hits
	sum := r.Table("in all", report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "value", Head: "value"}, report.Column{Key: "unit", Head: "unit"})
	sum.Add("acknowledged hits", w.total.Answered, "")
	sum.Add("rate", w.total.PerSecond(), "a second")
	sum.Add("pixel p50", millis(w.total.Quantile(50)), "ms")
	sum.Add("pixel p99", millis(w.total.Quantile(99)), "ms")
	sum.Add("written to the device", float64(w.last.Written-w.first.Written)/float64(max(hits, 1)), "bytes a hit")
	sum.Add("server processor time", float64((w.last.CPU-w.first.CPU).Nanoseconds())/1e3/float64(max(hits, 1)), "µs a hit, counts and exports included")
	sum.Add("exports finished", w.last.Exports.Done, "")
	sum.Add("names exported", w.last.Exports.Names, "")
	sum.Add("control counts, all exact", w.counts, "")
	sum.Add("longest time between answers", millis(w.gap), "ms")
	if !w.turned.IsZero() {
		sum.Add("first answer of the new day", seconds(w.turned.Sub(s.midnight)), "s after midnight")
	}
	sum.Add("users of "+liveLabel+", as acknowledged", w.live, "")
	t.Note("bytes written are the server process's, log and store together, from /proc/self/io; for the rate, the worst is the lowest")
	sum.Note("midnight is %.1f s after the start; answers are of the day before until the new day's are derived", s.midnight.Sub(w.begun).Seconds())
	return r
}
