package bench

import (
	"sync"
	"time"

	"sosie/audience/export"
)

// exports runs exports beside the answers of a server, one at a time.
type exports struct {
	mu      sync.Mutex
	running sync.WaitGroup
	busy    bool
	total   exported
}

// start begins an export unless one is still running.
func (e *exports) start(run func() (export.Result, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy {
		return
	}
	e.busy = true
	e.total.Started++
	e.running.Go(func() {
		start := time.Now()
		r, err := run()
		e.mu.Lock()
		defer e.mu.Unlock()
		e.busy, e.total.Took = false, time.Since(start)
		if err != nil {
			e.total.Error = err.Error()
			return
		}
		e.total.Done++
		e.total.Names += r.Names
	})
}

func (e *exports) sum() exported {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total
}

func (e *exports) wait() { e.running.Wait() }
