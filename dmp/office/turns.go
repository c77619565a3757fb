package office

import (
	"context"
	"fmt"
	"sync"
)

const (
	// questionsAtOnce is how many are worked on at a time; more wait their turn, so
	// that no token takes all of the machine from the pixel.
	questionsAtOnce = 4
	// questionsOfOne is how many of them may be of one token, so that none takes
	// every turn from the others.
	questionsOfOne = 2
)

// turns says whose question is worked on.
type turns struct {
	all chan struct{} // holds one of each question worked on
	mu  sync.Mutex
	of  map[string]*place // by the id of a grant, of those that ask now
}

// place is where the questions of one grant wait.
type place struct {
	own   chan struct{} // holds one of each that has a turn, or waits for one beside other grants
	asked int           // all of them, under the mutex of turns
}

func newTurns() *turns {
	return &turns{all: make(chan struct{}, questionsAtOnce), of: map[string]*place{}}
}

// take waits for a turn of a grant, and returns what ends it.
func (t *turns) take(ctx context.Context, grant string) (end func(), err error) {
	p := t.enter(grant)
	if err := wait(ctx, p.own); err != nil {
		t.leave(grant, p)
		return nil, err
	}
	if err := wait(ctx, t.all); err != nil {
		<-p.own
		t.leave(grant, p)
		return nil, err
	}
	return func() {
		<-t.all
		<-p.own
		t.leave(grant, p)
	}, nil
}

func wait(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
}

func (t *turns) enter(grant string) *place {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.of[grant]
	if p == nil {
		p = &place{own: make(chan struct{}, questionsOfOne)}
		t.of[grant] = p
	}
	p.asked++
	return p
}

// leave forgets a grant that asks nothing more.
func (t *turns) leave(grant string, p *place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.asked--; p.asked == 0 {
		delete(t.of, grant)
	}
}
