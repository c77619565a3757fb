package bench

import (
	"fmt"
	"os"
	"path/filepath"

	"sosie/bench/population"
	"sosie/bench/report"
)

// Shape is the population of a benchmark. A zero field means its default.
type Shape struct {
	Users         int    `help:"Users of the population." default:"100000"`
	Labels        int    `help:"Labels in the dictionary, drawn with Zipf exponent 1.1." default:"1000"`
	LabelsPerUser int    `help:"Mean number of labels a user carries." default:"20"`
	DaysPerLabel  int    `help:"Mean number of days of each label of a user." default:"2"`
	Days          int    `help:"Days that the tags spread over, and their retention." default:"30"`
	Seed          uint64 `help:"Seed of the population." default:"1"`
}

func (s Shape) normal() Shape {
	setDefault(&s.Users, 100_000)
	setDefault(&s.Labels, 1000)
	setDefault(&s.LabelsPerUser, 20)
	setDefault(&s.DaysPerLabel, 2)
	setDefault(&s.Days, 30)
	setDefault(&s.Seed, 1)
	return s
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (s Shape) population() (*population.Population, error) {
	return population.New(population.Spec{
		Users: s.Users, Labels: s.Labels, PerUser: s.LabelsPerUser,
		DaysPerLabel: s.DaysPerLabel, Window: s.Days, Seed: s.Seed,
	})
}

func (s Shape) settings() []report.Setting {
	return []report.Setting{
		{Name: "users", Value: s.Users}, {Name: "labels", Value: s.Labels}, {Name: "labels per user", Value: s.LabelsPerUser},
		{Name: "days per label", Value: s.DaysPerLabel}, {Name: "days", Value: s.Days}, {Name: "seed", Value: fmt.Sprint(s.Seed)},
	}
}

// Output says how a benchmark speaks.
type Output struct {
	JSON bool `help:"Print one JSON object and nothing else."`
	// Progress is told what is being done; nil means nobody is.
	Progress func(step string) `kong:"-"`
}

func (o Output) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// workDir makes the directory a benchmark writes to: below the given one, or
// below the system's for temporary files. remove deletes it again.
func workDir(under, name string) (dir string, remove func(), err error) {
	if under != "" {
		if err := os.MkdirAll(under, 0o700); err != nil {
			return "", nil, fmt.Errorf("make work directory: %w", err)
		}
	}
	dir, err = os.MkdirTemp(under, "sosie-bench-"+name+"-")
	if err != nil {
		return "", nil, fmt.Errorf("make work directory: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("make work directory: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
