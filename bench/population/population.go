// Package population makes seeded users for the benchmarks: who carries which
// labels, and on which days of a window.
//
// A population is a function of its [Spec]: every user can be made again on its
// own, so ten million users never have to be in memory together, and a brute
// force over the same users needs nothing but the specification. Labels are
// drawn without repetition from a Zipf distribution; each (user, label) falls on
// one to three distinct days, uniform over the window. Windows repeat as
// cycles: the labels of a user stay, the days are drawn again, so that a
// simulated year keeps as many tags in force as one window holds.
//
// The gotcha: days are counted from 0, the first day of the first cycle; the
// caller decides which date that is.
package population

import (
	"errors"
	"fmt"
	"math"
)

// ChunkUsers is the number of users made together, equal to a chunk of storage.
const ChunkUsers = 1 << 16

// MaxLabels is the largest dictionary a population can use: a key holds the
// label in sixteen bits.
const MaxLabels = 1 << 16

// ErrSpec means a specification that no population satisfies.
var ErrSpec = errors.New("bad population")

// Spec says what population to make. Equal specifications make equal
// populations.
type Spec struct {
	// Users is the number of users, numbered from 0.
	Users int
	// Labels is the size of the dictionary, 1 to MaxLabels; label 0 is the most
	// frequent.
	Labels int
	// PerUser is the mean number of labels a user carries: uniform from half of
	// it to one and a half times it.
	PerUser int
	// DaysPerLabel is the mean number of days of each (user, label): uniform
	// from 1 to twice it less one.
	DaysPerLabel int
	// Window is the number of days a cycle spreads over.
	Window int
	// Exponent of the Zipf distribution of labels; 0 means 1.1.
	Exponent float64
	// Seed distinguishes populations of the same shape.
	Seed uint64
}

// Population makes the users of one specification. It is immutable and safe for
// concurrent use.
type Population struct {
	spec  Spec
	zipf  alias
	least int // labels of the poorest user
	span  int // number of possible label counts
}

// New checks the specification and prepares its label distribution.
func New(spec Spec) (*Population, error) {
	if spec.Exponent == 0 {
		spec.Exponent = 1.1
	}
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("make population: %w", err)
	}
	weights := make([]float64, spec.Labels)
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -spec.Exponent)
	}
	p := &Population{spec: spec, zipf: newAlias(weights)}
	p.least = (spec.PerUser + 1) / 2
	p.span = 2*(spec.PerUser-p.least) + 1
	return p, nil
}

func (s Spec) check() error {
	switch {
	case s.Users < 1 || s.Users > math.MaxUint32:
		return fmt.Errorf("%w: %d users: want 1 to %d", ErrSpec, s.Users, math.MaxUint32)
	case s.Labels < 1 || s.Labels > MaxLabels:
		return fmt.Errorf("%w: %d labels: want 1 to %d", ErrSpec, s.Labels, MaxLabels)
	case s.PerUser < 1 || 2*s.PerUser > s.Labels:
		return fmt.Errorf("%w: %d labels a user: want 1 to half of the %d labels", ErrSpec, s.PerUser, s.Labels)
	case s.DaysPerLabel < 1 || 2*s.DaysPerLabel-1 > s.Window || s.DaysPerLabel > 16:
		return fmt.Errorf("%w: %d days a label: want 1 to 16, and twice that within the window of %d days", ErrSpec, s.DaysPerLabel, s.Window)
	}
	return nil
}

// Spec returns the specification with its defaults filled in.
func (p *Population) Spec() Spec { return p.spec }

// Chunks is the number of chunks the users fill, the last perhaps in part.
func (p *Population) Chunks() int { return (p.spec.Users + ChunkUsers - 1) / ChunkUsers }

// Tag is one label of one user on the days of a cycle.
type Tag struct {
	Label uint16
	Days  []int16 // distinct, in no order, counted from the cycle's first day
}

// User calls fn for each label of a user with its days in the given cycle. The
// tag's days are valid only during the call.
func (p *Population) User(user uint32, cycle int, fn func(Tag)) {
	var labels [64]uint16
	var days [32]int16
	when := newStream(p.spec.Seed^0xda75, uint64(user)|uint64(cycle)<<32)
	for _, l := range p.Labels(user, labels[:0]) {
		fn(Tag{Label: l, Days: p.days(&when, days[:0])})
	}
}

// Labels appends the labels of a user to dst: distinct, in the order drawn.
func (p *Population) Labels(user uint32, dst []uint16) []uint16 {
	r := newStream(p.spec.Seed, uint64(user))
	want := p.least + int(r.below(uint32(p.span)))
	if p.spec.Labels > 1024 {
		return p.draw(&r, make([]uint64, (p.spec.Labels+63)/64), want, dst)
	}
	var drawn [16]uint64
	return p.draw(&r, drawn[:], want, dst)
}

func (p *Population) draw(r *stream, drawn []uint64, want int, dst []uint16) []uint16 {
	for n := 0; n < want; {
		l := p.zipf.pick(r.next())
		if drawn[l>>6]>>(l&63)&1 != 0 {
			continue
		}
		drawn[l>>6] |= 1 << (l & 63)
		dst = append(dst, uint16(l))
		n++
	}
	return dst
}

func (p *Population) days(r *stream, dst []int16) []int16 {
	want := 1 + int(r.below(uint32(2*p.spec.DaysPerLabel-1)))
draw:
	for len(dst) < want {
		d := int16(r.below(uint32(p.spec.Window)))
		for _, o := range dst {
			if o == d {
				continue draw
			}
		}
		dst = append(dst, d)
	}
	return dst
}

// Label turns 64 random bits into a label with the population's frequencies.
func (p *Population) Label(random uint64) int { return int(p.zipf.pick(random)) }
