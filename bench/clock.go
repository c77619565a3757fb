package bench

import (
	"sync/atomic"
	"time"
)

// calendar is a clock that stands still until it is told a time, so that a
// simulated month takes minutes.
type calendar struct{ now atomic.Int64 }

// Now is the clock for storage.
func (c *calendar) Now() time.Time { return time.Unix(0, c.now.Load()).UTC() }

// Set moves the clock.
func (c *calendar) Set(t time.Time) { c.now.Store(t.UnixNano()) }

// offsetClock runs with real time, moved by a fixed amount.
type offsetClock time.Duration

// Now is the clock for storage and pixel.
func (o offsetClock) Now() time.Time { return time.Now().Add(time.Duration(o)) }
