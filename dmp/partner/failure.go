package partner

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/storage"
)

// failure is an answer that is none, as JSON.
type failure struct {
	status int
	retry  time.Duration // 0 says nothing of when to try again
	// Error says what is wrong, Hint the way out.
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func fail(status int, what, hint string) *failure {
	return &failure{status: status, Error: what, Hint: hint}
}

func unauthorized(err error) *failure {
	return fail(fasthttp.StatusUnauthorized, err.Error(), "Send Authorization: Bearer TOKEN with a token that `sosie token create` printed.")
}

func slow(what string, retry time.Duration) *failure {
	f := fail(fasthttp.StatusTooManyRequests, what, "Wait as long as Retry-After says.")
	f.retry = retry
	return f
}

// unavailable is a fault of ours, of which a stranger learns no more than that it
// may pass.
func unavailable(err error) *failure {
	f := fail(fasthttp.StatusServiceUnavailable, "no answer can be given now", "Try again; `sosie status` tells the operator why.")
	f.retry = 10 * time.Second
	if errors.Is(err, storage.ErrFull) {
		f.Error = "the store takes nothing at the moment"
	}
	return f
}

// refuse sends a failure and counts it.
func (d *Door) refuse(ctx *fasthttp.RequestCtx, f *failure) {
	counter := &d.counters.badRequests
	switch f.status {
	case fasthttp.StatusUnauthorized:
		counter = &d.counters.unauthorized
		ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, "Bearer")
	case fasthttp.StatusForbidden:
		counter = &d.counters.forbidden
	case fasthttp.StatusRequestEntityTooLarge, fasthttp.StatusRequestHeaderFieldsTooLarge:
		counter = &d.counters.tooLarge
	case fasthttp.StatusTooManyRequests:
		counter = &d.counters.tooOften
	case fasthttp.StatusServiceUnavailable:
		counter = &d.counters.unavailable
	}
	counter.Add(1)
	if f.retry > 0 {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(int((f.retry+time.Second-1)/time.Second)))
	}
	body, _ := json.Marshal(f) // two texts always marshal
	ctx.Response.Header.SetContentType("application/json")
	ctx.Response.SetStatusCode(f.status)
	ctx.Response.SetBodyRaw(body)
}
