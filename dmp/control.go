package dmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"sosie/storage"
)

// The control socket's time-outs and sizes. Whoever connects is the operator,
// but a stuck command must not hold the server for ever.
const (
	controlHeaderTimeout = 5 * time.Second
	controlReadTimeout   = 30 * time.Second
	controlIdleTimeout   = 2 * time.Minute
	// controlAnswerTimeout bounds a count or a status; it must cover an
	// expression whose days are streamed from disk.
	controlAnswerTimeout = 10 * time.Minute
	// controlStallTimeout is how long the reader of an export may take none of
	// it.
	controlStallTimeout = time.Minute
	controlHeaderBytes  = 16 << 10
	controlBodyBytes    = 1 << 20
)

// controlServer answers the questions of the command line over HTTP and JSON:
//
//	GET  /v1/status                                    → Status
//	POST /v1/count    {"expression": …}                → Count
//	POST /v1/export   {"expression": …, "id_space": …} → frames, see stream.go
//	POST /v1/clock/confirm                             → {}
//
// A failure is a status of 400 or 500 with a failure as its body.
func (d *DMP) controlServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) { return d.Status(r.Context()) })
	})
	mux.HandleFunc("POST /v1/count", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) {
			var q struct {
				Expression string `json:"expression"`
			}
			if err := readJSON(w, r, &q); err != nil {
				return nil, err
			}
			return d.Count(r.Context(), q.Expression)
		})
	})
	mux.HandleFunc("POST /v1/export", d.streamExport)
	mux.HandleFunc("POST /v1/clock/confirm", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) { return struct{}{}, d.ConfirmClock(r.Context()) })
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: controlHeaderTimeout,
		ReadTimeout:       controlReadTimeout,
		WriteTimeout:      controlAnswerTimeout,
		IdleTimeout:       controlIdleTimeout,
		MaxHeaderBytes:    controlHeaderBytes,
	}
}

func (d *DMP) streamExport(w http.ResponseWriter, r *http.Request) {
	var q ExportRequest
	if err := readJSON(w, r, &q); err != nil {
		answerJSON(w, func() (any, error) { return nil, err })
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	moving := &movingWriter{w: w, deadline: http.NewResponseController(w)}
	frames := &frameWriter{w: bufio.NewWriterSize(moving, 64<<10)}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	result, err := d.Export(ctx, q, frames, func(done, total int, users uint64) {
		if err := frames.progress(done, total, users); err != nil {
			cancel(err)
		}
	})
	// A failure to send needs no answer: the reader sees no end frame.
	if err != nil {
		_ = frames.json(frameFailure, failureOf(err))
		return
	}
	_ = frames.json(frameEnd, result)
}

// movingWriter gives each write its own time-out: an export may last as long as
// it moves.
type movingWriter struct {
	w        http.ResponseWriter
	deadline *http.ResponseController
}

func (m *movingWriter) Write(p []byte) (int, error) {
	if err := m.deadline.SetWriteDeadline(time.Now().Add(controlStallTimeout)); err != nil {
		return 0, err
	}
	n, err := m.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, m.deadline.Flush()
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return &Error{Op: "read", Object: "question", Err: caused{err, ErrExpression}}
	}
	return nil
}

func answerJSON(w http.ResponseWriter, ask func() (any, error)) {
	w.Header().Set("Content-Type", "application/json")
	answer, err := ask()
	if err != nil {
		f := failureOf(err)
		w.WriteHeader(f.status())
		answer = f
	}
	_ = json.NewEncoder(w).Encode(answer) // a reader that left needs none
}

// failure is an *Error on its way through the socket.
type failure struct {
	Kind   string `json:"kind"` // a key of kinds, or empty
	Op     string `json:"op"`
	Object string `json:"object"`
	Cause  string `json:"cause"`
	Hint   string `json:"hint,omitempty"`
}

// kinds are the errors that stay what they are on the other side.
var kinds = map[string]error{
	"expression": ErrExpression,
	"id_space":   ErrIDSpace,
	"corrupt":    storage.ErrCorrupt,
	"full":       storage.ErrFull,
	"stopped":    storage.ErrStopped,
	"canceled":   context.Canceled,
}

func failureOf(err error) failure {
	f := failure{Cause: err.Error(), Op: "answer", Object: "question", Hint: Hint(err)}
	if e := (*Error)(nil); errors.As(err, &e) {
		f.Op, f.Object, f.Cause = e.Op, e.Object, e.Err.Error()
	}
	for kind, sentinel := range kinds {
		if errors.Is(err, sentinel) {
			f.Kind = kind
		}
	}
	return f
}

func (f failure) status() int {
	if f.Kind == "expression" || f.Kind == "id_space" {
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

func (f failure) err() error {
	cause := errors.New(f.Cause)
	if kind, ok := kinds[f.Kind]; ok {
		cause = caused{cause, kind}
	}
	return &Error{Op: f.Op, Object: f.Object, Err: cause, Hint: f.Hint}
}

// readFailure turns an answer that is not 200 back into an error.
func readFailure(status string, body io.Reader) error {
	var f failure
	if err := json.NewDecoder(io.LimitReader(body, controlBodyBytes)).Decode(&f); err != nil {
		return &Error{Op: "ask", Object: "server", Err: errors.New("it answered " + status),
			Hint: "The server may be of another version: restart it with this one."}
	}
	return f.err()
}
