package storage

import (
	"testing"
	"time"
)

// TestPace: work pauses while others append, and not for an import alone.
func TestPace(t *testing.T) {
	s := openTest(t, Options{Clock: newTestClock().Now})
	var r Records
	r.Hit(1, newTestClock().Day())
	pauses := func() (n int) {
		p := s.Pace()
		for range 100 * paceSteps {
			p.since = time.Time{} // as if the work had lasted
			before := time.Now()
			if p.Step(); p.steps%paceSteps == 0 && time.Since(before) >= pacePause {
				n++
			}
		}
		return n
	}
	if _, err := s.AppendPatiently(&r); err != nil {
		t.Fatal(err)
	}
	if !s.log.LastHasty().Equal(time.Unix(0, 0)) {
		t.Error("a patient append counts as a hit")
	}
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	if time.Since(s.log.LastHasty()) > time.Minute || pauses() < 90 {
		t.Errorf("%d pauses of 100 after a hit", pauses())
	}
}
