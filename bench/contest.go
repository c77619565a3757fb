package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"runtime"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/bench/floor"
	"sosie/bench/population"
	"sosie/bench/report"
	"sosie/storage"
	"sosie/storage/block"
)

// contest is something asked of the store, and of a floor that knows no more
// than the question. Both answer with a number that differs when the answers do.
type contest struct {
	name  string
	ours  func(ctx context.Context, view *storage.View) (uint64, error)
	floor func() uint64
	// lists, unless nil, is the floor that starts from the form in which few users
	// are stored.
	lists func() uint64
	kind  string // of the floor
}

// The kinds of floor.
const (
	byRoaring = "roaring by hand"
	byLoop    = "bare loop"
)

// few is the expression that is listed and compared.
var few = floor.Query{All: [][]int{{2, 7}, {0}}, Not: []int{4}}

// Labels of the questions about days. Rank 1 is frequent; the three are of
// different topics.
var (
	often    = []int{1}
	three    = []int{1, 3, 5}
	thenRank = [2]int{1, 2}
)

// contestsOf lists the contests. Without bitmaps and sets by day only what is
// ours can be asked.
func contestsOf(bitmaps *floor.Bitmaps, dense *floor.Dense) []contest {
	sequence := func(gap int) string {
		text := population.Name(thenRank[0]) + " then " + population.Name(thenRank[1])
		if gap > 0 {
			text += fmt.Sprintf(" within %dd", gap)
		}
		return text
	}
	frequency := func(labels []int) string {
		return floor.Query{All: [][]int{labels}}.Expression() + " on 3+ days"
	}
	return []contest{
		{name: "list of users", ours: listOurs, floor: func() uint64 { return digest(bitmaps.List(few)) }, kind: byRoaring},
		{name: "affinity with all labels", ours: affinityOurs, floor: func() uint64 { return affinityByHand(bitmaps) }, kind: byRoaring},
		looped("on 3+ days, one label", frequency(often), dense, func() uint64 { return dense.Frequency(often) }),
		looped("on 3+ days, three labels", frequency(three), dense, func() uint64 { return dense.Frequency(three) }),
		looped("then, any later day", sequence(0), dense, func() uint64 { return dense.Sequence(thenRank[0], thenRank[1], 0) }),
		looped("then within 7 days", sequence(7), dense, func() uint64 { return dense.Sequence(thenRank[0], thenRank[1], 7) }),
	}
}

// looped is an expression beside a bare loop in both forms.
func looped(name, expression string, dense *floor.Dense, loop func() uint64) contest {
	form := func(fromLists bool) func() uint64 {
		return func() uint64 {
			dense.FromLists = fromLists
			return loop()
		}
	}
	return contest{name: name, ours: counted(expression), floor: form(false), lists: form(true), kind: byLoop}
}

func counted(expression string) func(context.Context, *storage.View) (uint64, error) {
	return func(ctx context.Context, view *storage.View) (uint64, error) { return count(ctx, view, expression) }
}

func listOurs(ctx context.Context, view *storage.View) (uint64, error) {
	set, err := bind(view, few.Expression())
	if err != nil {
		return 0, err
	}
	var users []uint32
	err = audience.Each(ctx, set, func(chunk int, w *block.Words) error {
		users = w.AppendTo(users, uint32(storage.At(chunk, 0)))
		return nil
	})
	return digest(users), err
}

func digest(users []uint32) uint64 {
	if len(users) == 0 {
		return 0
	}
	// The whole list was made; a few of its numbers tell it from another.
	h := fnv.New64a()
	for i := 0; i < len(users); i += 1 + len(users)/1000 {
		fmt.Fprint(h, users[i], " ")
	}
	return h.Sum64() ^ uint64(len(users))
}

func affinityOurs(ctx context.Context, view *storage.View) (uint64, error) {
	set, err := bind(view, few.Expression())
	if err != nil {
		return 0, err
	}
	found, err := audience.Affine(ctx, view, set, permit.Count)
	var sum uint64
	for _, a := range found.Labels {
		sum += a.Users + 3*a.Common
	}
	return sum, err
}

func affinityByHand(bitmaps *floor.Bitmaps) uint64 {
	users, common := bitmaps.Affinity(few)
	var sum uint64
	for l := range users {
		sum += users[l] + 3*common[l]
	}
	return sum
}

// contests times the store and the floors in turns, on one core and on all.
func (o SegmentOptions) contests(ctx context.Context, r *report.Report, f *field, bitmaps *floor.Bitmaps) error {
	o.say("building dense days")
	dense := floor.NewDense(f.people, 0, append([]int{thenRank[1]}, three...)...)
	runtime.GC()
	t := r.Table("lists, affinity, frequency and sequence, milliseconds: median (range)",
		report.Column{Key: "query", Head: "query"},
		report.Column{Key: "one_core_ms", Head: "one core"},
		report.Column{Key: "all_cores_ms", Head: "all cores"},
		report.Column{Key: "floor_one_core_ms", Head: "floor, one core"},
		report.Column{Key: "floor", Head: "floor"},
		report.Column{Key: "times_floor", Head: "× floor, one core"},
		report.Column{Key: "floor_lists_ms", Head: "floor from lists"},
		report.Column{Key: "times_floor_lists", Head: "× that"})
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	view := f.store.View()
	for _, c := range contestsOf(bitmaps, dense) {
		o.say("asking %s", c.name)
		got, err := c.ours(ctx, view)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if want := c.floor(); got != want {
			return fmt.Errorf("%w: %s is %d by the store and %d by the floor", ErrDiffers, c.name, got, want)
		}
		var one, all, by, ratios, lists, listRatios []float64
		for range o.Rounds {
			runtime.GOMAXPROCS(1)
			before := clocked(func() { c.floor() })
			mine := clocked(func() { _, err = c.ours(ctx, view) })
			after := clocked(func() { c.floor() })
			runtime.GOMAXPROCS(cores)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if c.lists != nil {
				runtime.GOMAXPROCS(1)
				lists = append(lists, clocked(func() { c.lists() }))
				listRatios = append(listRatios, mine/lists[len(lists)-1])
				runtime.GOMAXPROCS(cores)
			}
			all = append(all, clocked(func() { _, err = c.ours(ctx, view) }))
			one, by, ratios = append(one, mine), append(by, (before+after)/2), append(ratios, mine/((before+after)/2))
		}
		row := []any{c.name, report.Of(one), report.Of(all), report.Of(by), c.kind, report.Of(ratios), nil, nil}
		if c.lists != nil {
			row[6], row[7] = report.Of(lists), report.Of(listRatios)
		}
		t.Add(row...)
	}
	t.Note("× floor: how many times as long as the floor; under 1 is faster. All answers were equal")
	t.Note("a bare loop has each day's users of each label ready as dense words; ours finds the day's bitmaps, decodes them, and applies masks")
	t.Note("from lists: the bare loop makes the words from sorted lists first, which is how few users of a day are stored")
	t.Note("the bare loop of \"then within 7 days\" unites the seven days before each day")
	t.Note("listed and compared: %s", few.Expression())
	return nil
}

// growth asks the same of stores of other sizes and tells how the time grows:
// an exponent of 1 is time in proportion to users.
func (o SegmentOptions) growth(ctx context.Context, r *report.Report, largest *field) error {
	if len(o.Growth) == 0 {
		return nil
	}
	columns := []report.Column{{Key: "query", Head: "query"}}
	sizes := append(append([]int(nil), o.Growth...), o.Users)
	times := map[string][]float64{}
	var names []string
	for i, users := range sizes {
		f := largest
		if users != o.Users {
			o.say("filling %d users", users)
			var err error
			if f, err = o.field(ctx, users); err != nil {
				return err
			}
			runtime.GC()
		}
		columns = append(columns, report.Column{Key: fmt.Sprintf("users_%d_ms", users), Head: fmt.Sprintf("%d users", users)})
		err := o.timeAll(ctx, f.store.View(), func(name string, ms float64) {
			if i == 0 {
				names = append(names, name)
			}
			times[name] = append(times[name], ms)
		})
		if f != largest {
			f.close()
		}
		if err != nil {
			return err
		}
	}
	t := r.Table("growth, milliseconds on one core: medians", append(columns, report.Column{Key: "exponent", Head: "exponent"})...)
	for _, name := range names {
		row := []any{name}
		for _, ms := range times[name] {
			row = append(row, ms)
		}
		t.Add(append(row, exponent(sizes, times[name]))...)
	}
	t.Note("the slope of a straight line through the logarithms; without parsing, which does not grow")
	return nil
}

// timeAll tells the median time on one core of every question.
func (o SegmentOptions) timeAll(ctx context.Context, view *storage.View, tell func(name string, ms float64)) error {
	cores := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(cores)
	median := func(ask func() error) (float64, error) {
		var ms []float64
		for range o.Rounds {
			var err error
			ms = append(ms, clocked(func() { err = ask() }))
			if err != nil {
				return 0, err
			}
		}
		return report.Of(ms).Median, nil
	}
	for _, q := range questions(o.Labels) {
		set, err := bind(view, q.expression())
		if err != nil {
			return err
		}
		ms, err := median(func() error { _, err := audience.Count(ctx, set); return err })
		if err != nil {
			return err
		}
		tell(q.name, ms)
	}
	for _, c := range contestsOf(nil, nil) {
		ms, err := median(func() error { _, err := c.ours(ctx, view); return err })
		if err != nil {
			return err
		}
		tell(c.name, ms)
	}
	return nil
}

// exponent is the slope of log time over log users, by least squares.
func exponent(users []int, ms []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(users))
	for i := range users {
		x, y := math.Log(float64(users[i])), math.Log(ms[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
