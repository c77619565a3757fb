package bench

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/bench/floor"
	"sosie/bench/population"
	"sosie/bench/report"
	"sosie/storage"
)

// SegmentOptions configure Segment.
type SegmentOptions struct {
	Shape
	Output
	Rounds int    `help:"Alternated rounds of each query." default:"15"`
	Growth []int  `help:"Other numbers of users to ask the same of, for the growth of the time: 100000,1000000." placeholder:"USERS"`
	Dir    string `help:"Directory to make the store in; empty means the one for temporary files."`
}

// question is one query of the segment benchmark.
type question struct {
	name  string
	query floor.Query
	// text replaces the expression that the query would write.
	text string
}

func (q question) expression() string {
	if q.text != "" {
		return q.text
	}
	return q.query.Expression()
}

// questions need a dictionary of 100 labels or more. Frequent and rare labels
// are mixed in each.
func questions(labels int) []question {
	scale := func(ranks ...int) []int {
		for i := range ranks {
			ranks[i] = ranks[i] * labels / 1000
		}
		return ranks
	}
	ten := floor.Query{
		All: [][]int{append([]int{1}, scale(20, 90, 400)...), append([]int{3}, scale(40, 250)...)},
		Not: append([]int{5}, scale(60, 600)...),
	}
	plain := floor.Query{All: [][]int{{2, 7}, {0}}, Not: []int{4}}
	recent := func(q floor.Query) floor.Query { q.Within = 7; return q }
	var topic []int
	for l := 6; l < labels; l += population.Topics {
		topic = append(topic, l)
	}
	prefix := population.Prefix(6) + "*"
	one := floor.Query{All: [][]int{{10}}}
	return []question{
		{"ten labels", ten, ""},
		{"ten labels, 7 days", recent(ten), ""},
		{"one label", one, ""},
		{"one label, 7 days", recent(one), ""},
		{"prefix", floor.Query{All: [][]int{topic}}, prefix},
		{"prefix, 7 days", recent(floor.Query{All: [][]int{topic}}), prefix + " within 7d"},
		{"(a or b) and c and not d", plain, ""},
		{"(a or b) and c and not d, 7 days", recent(plain), ""},
	}
}

// timings are the rounds of one question, in milliseconds.
type timings struct {
	answer             uint64
	parse, evaluate    []float64 // of the count on one core; evaluated apart
	one, all, byHand   []float64
	ratioOne, ratioAll []float64
	ratioEvaluate      []float64
}

// Segment measures exact counts over the store's view, on one core and on all,
// beside the same set operations by hand on roaring bitmaps in memory, on one
// core. Every answer is compared before anything is timed.
func Segment(ctx context.Context, o SegmentOptions, out io.Writer) error {
	o.Shape = o.Shape.normal()
	setDefault(&o.Rounds, 15)
	if o.Labels < 100 || o.Days < 7 {
		return fmt.Errorf("bench segment: %w: the queries need 100 labels and 7 days", ErrOptions)
	}
	r, err := segment(ctx, o)
	if err != nil {
		return fmt.Errorf("bench segment: %w", err)
	}
	return r.Write(out, o.JSON)
}

func segment(ctx context.Context, o SegmentOptions) (*report.Report, error) {
	f, err := o.field(ctx, o.Users)
	if err != nil {
		return nil, err
	}
	defer f.close()
	o.say("building bitmaps")
	bitmaps := floor.NewBitmaps(f.people, 0, max(0, o.Days-7), o.Days-1, recentLabels(o.Labels)...)
	runtime.GC()
	results := make([]timings, 0, 8)
	for _, q := range questions(o.Labels) {
		o.say("counting %s", q.name)
		t, err := o.ask(ctx, f.store.View(), bitmaps, q)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		results = append(results, t)
	}
	r := o.report(results)
	if err := o.contests(ctx, r, f, bitmaps); err != nil {
		return nil, err
	}
	return r, o.growth(ctx, r, f)
}

// field is a filled store to ask.
type field struct {
	people *population.Population
	store  *storage.Store
	remove func()
}

func (f *field) close() {
	_ = f.store.Close() // what was measured stands; the directory goes
	f.remove()
}

// field fills a store with a population of a number of users.
func (o SegmentOptions) field(ctx context.Context, users int) (_ *field, err error) {
	shape := o.Shape
	shape.Users = users
	f := &field{}
	if f.people, err = shape.population(); err != nil {
		return nil, err
	}
	dir, remove, err := workDir(o.Dir, "segment")
	if err != nil {
		return nil, err
	}
	f.remove = remove
	clock := &calendar{}
	first := storage.DayOf(time.Now()) - storage.Day(o.Days) + 1
	clock.Set(first.Time())
	if f.store, err = storage.Open(storage.Options{Dir: dir, Clock: clock.Now}); err != nil {
		remove()
		return nil, err
	}
	feeder, err := newFeeder(f.store, f.people, clock, first, o.Output)
	if err == nil {
		err = feeder.fill(ctx, o.Days)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// recentLabels are the labels that questions ask for on single days.
func recentLabels(labels int) (of []int) {
	for _, q := range questions(labels) {
		if q.query.Within > 0 {
			of = append(of, slices.Concat(q.query.All...)...)
			of = append(of, q.query.Not...)
		}
	}
	return of
}

// ask compares the answers to one question, then times them in turns.
func (o SegmentOptions) ask(ctx context.Context, view *storage.View, bitmaps *floor.Bitmaps, q question) (timings, error) {
	t := timings{answer: bitmaps.Count(q.query)}
	got, err := count(ctx, view, q.expression())
	if err != nil {
		return t, err
	}
	if got != t.answer {
		return t, fmt.Errorf("%w: %s is %d by the store and %d by hand", ErrDiffers, q.expression(), got, t.answer)
	}
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	for range o.Rounds {
		runtime.GOMAXPROCS(1)
		byHand := clocked(func() { bitmaps.Count(q.query) })
		var set audience.Set
		parse := clocked(func() { set, err = bind(view, q.expression()) })
		if err != nil {
			return t, err
		}
		evaluate := clocked(func() { _, err = audience.Count(ctx, set) })
		if err != nil {
			return t, err
		}
		byHandAgain := clocked(func() { bitmaps.Count(q.query) })
		t.ratioEvaluate = append(t.ratioEvaluate, (byHand+byHandAgain)/2/evaluate)
		t.evaluate = append(t.evaluate, evaluate)
		one := clocked(func() { _, err = count(ctx, view, q.expression()) })
		runtime.GOMAXPROCS(cores)
		if err != nil {
			return t, err
		}
		all := clocked(func() { _, err = count(ctx, view, q.expression()) })
		if err != nil {
			return t, err
		}
		t.parse = append(t.parse, parse)
		t.byHand, t.one, t.all = append(t.byHand, byHand), append(t.one, one), append(t.all, all)
	}
	t.ratioOne, t.ratioAll = report.Ratios(t.byHand, t.one), report.Ratios(t.byHand, t.all)
	return t, nil
}

// count answers an expression as a server does: parse, bind, apply the masks.
func count(ctx context.Context, view *storage.View, expression string) (uint64, error) {
	set, err := bind(view, expression)
	if err != nil {
		return 0, err
	}
	return audience.Count(ctx, set)
}

// bind turns an expression into the users that a count may tell of.
func bind(view *storage.View, expression string) (audience.Set, error) {
	e, err := audience.Parse(expression)
	if err != nil {
		return nil, err
	}
	set, _, err := audience.Compile(view, e, nil)
	if err != nil {
		return nil, err
	}
	return audience.Permitted(set, view, permit.Count), nil
}

// clocked runs fn and returns the milliseconds it took.
func clocked(fn func()) float64 {
	start := time.Now()
	fn()
	return float64(time.Since(start)) / 1e6
}

func (o SegmentOptions) report(results []timings) *report.Report {
	r := report.New("bench segment", append(o.settings(), report.Setting{Name: "rounds", Value: o.Rounds})...)
	table := r.Table("exact counts, milliseconds: median (range)",
		report.Column{Key: "query", Head: "query"},
		report.Column{Key: "users", Head: "users"},
		report.Column{Key: "one_core_ms", Head: "one core"},
		report.Column{Key: "all_cores_ms", Head: "all cores"},
		report.Column{Key: "parse_ms", Head: "of it parsing"},
		report.Column{Key: "evaluate_ms", Head: "without parsing"},
		report.Column{Key: "by_hand_one_core_ms", Head: "by hand, one core"},
		report.Column{Key: "faster_one_core", Head: "× by hand, one core"},
		report.Column{Key: "faster_without_parsing", Head: "without parsing"},
		report.Column{Key: "faster_all_cores", Head: "× by hand, all cores"})
	for i, q := range questions(o.Labels) {
		t := results[i]
		table.Add(q.name, t.answer, report.Of(t.one), report.Of(t.all), report.Of(t.parse), report.Of(t.evaluate), report.Of(t.byHand),
			report.Of(t.ratioOne), report.Of(t.ratioEvaluate), report.Of(t.ratioAll))
	}
	table.Note("× by hand: how many times faster than the same operations on one *roaring.Bitmap per (label, chunk), or per (label, chunk, day) for 7 days; under 1 is slower")
	table.Note("all answers were equal; ours include masks, and parsing where it does not say otherwise; by hand has neither")
	table.Note("by hand holds only the last 7 days by day; the store holds all %d", o.Days)
	for _, q := range questions(o.Labels)[:1] {
		table.Note("ten labels: %s", q.expression())
	}
	return r
}
