// Package load is an HTTP client that costs little: one thread, many keep-alive
// connections, no pipelining, one request under way on each.
//
// It exists because a benchmark's client shares the cores with the server: what
// the client does not burn, the server can show. It speaks only enough HTTP/1.1
// for a pixel: GET without a body, answers with a Content-Length. The invariant
// is that every request sent is answered, failed or counted as lost before Run
// returns, so that sums can be compared with what the server stored. The gotcha:
// latency starts when a request is written; with a rate above what the server
// sustains, requests wait unsent and their waiting is not in the latency, but
// the rate reached shows it.
package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ErrAnswer means that the server said something which is not an answer to a
// GET.
var ErrAnswer = errors.New("unreadable answer")

// Traffic makes the requests and learns of the answers. Run calls it from one
// goroutine.
type Traffic interface {
	// Request appends the next request of a connection to dst.
	Request(connection int, dst []byte) []byte
	// Answered reports the answer to the connection's last request. cookie is
	// the `name=value` of the first Set-Cookie, nil without one, and valid only
	// during the call.
	Answered(connection, status int, cookie []byte)
}

// Options say how much to send where.
type Options struct {
	// Addr is the server, host:port, plain HTTP.
	Addr string
	// Connections is the number of keep-alive connections; 0 means 64.
	Connections int
	// Duration is how long requests are sent; those under way are then awaited.
	Duration time.Duration
	// Rate is the number of requests a second over all connections; 0 means as
	// many as the server answers.
	Rate int
	// Every is the time between samples; 0 means none.
	Every time.Duration
	// Sample receives what happened since the last sample. It must return
	// quickly: nothing is sent meanwhile.
	Sample func(Result)
}

// Result is what happened in a stretch of time.
type Result struct {
	Elapsed time.Duration
	// Answered counts answers with status 200, Refused those with another one,
	// and Lost the requests whose connection broke before an answer came.
	Answered, Refused, Lost int64
	// Latency of the answers of either kind, in microseconds.
	Latency *hdrhistogram.Histogram
}

// PerSecond is the rate of answers with status 200.
func (r Result) PerSecond() float64 { return float64(r.Answered) / r.Elapsed.Seconds() }

// Quantile returns the latency that q percent of the answers stayed within.
func (r Result) Quantile(q float64) time.Duration {
	return time.Duration(r.Latency.ValueAtQuantile(q)) * time.Microsecond
}

func newResult() Result {
	return Result{Latency: hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)}
}

func (r *Result) add(o Result) {
	r.Elapsed += o.Elapsed
	r.Answered += o.Answered
	r.Refused += o.Refused
	r.Lost += o.Lost
	r.Latency.Merge(o.Latency)
}

// Run sends traffic until the duration is over or ctx is done, and returns what
// happened. A connection that breaks is opened again; a server that cannot be
// reached is an error.
func Run(ctx context.Context, o Options, t Traffic) (Result, error) {
	if o.Connections == 0 {
		o.Connections = 64
	}
	result, err := run(ctx, o, t)
	if err != nil {
		return result, fmt.Errorf("load %s: %w", o.Addr, err)
	}
	return result, nil
}
