package storage

import "time"

// Pace makes long work leave the cores to hits. Go looks for what the network
// brought when a core runs out of work, or after ten milliseconds; so while
// every core is busy for longer, an import for instance, each hit waits that
// long. Work that pauses for a moment every half millisecond lets them through
// and takes little longer. While no hit is about, nothing pauses.
type Pace struct {
	store *Store
	steps int
	since time.Time // work began, or went on after a pause
}

const (
	// paceSteps is after how many steps, of microseconds each, the time is looked
	// at.
	paceSteps = 32
	paceWork  = 500 * time.Microsecond
	pacePause = 50 * time.Microsecond
	// paceHits is for how long after a hit others are expected.
	paceHits = time.Second
)

// Pace returns a pace for the work of one goroutine.
func (s *Store) Pace() *Pace { return &Pace{store: s} }

// Hits reports whether a hit came lately, so that others are expected.
func (s *Store) Hits() bool { return time.Since(s.log.LastHasty()) < paceHits }

// Step is called after each small piece of the work.
func (p *Pace) Step() {
	if p.steps++; p.steps%paceSteps != 0 {
		return
	}
	if now := time.Now(); now.Sub(p.since) > paceWork {
		if p.store.Hits() {
			time.Sleep(pacePause)
			now = time.Now()
		}
		p.since = now
	}
}
