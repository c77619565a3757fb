package dmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"sosie/audience/segments"
	"sosie/dmp/access"
	"sosie/storage"
	"sosie/storage/dump"
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
//	POST /v1/explain, /v1/overlap, /v1/affinity, /v1/size-by-day   see questions.go
//	POST /v1/segments/list, show, save, copy, rename, delete       see segments.go
//	POST /v1/labels/list    {"prefix": …}              → Labels
//	POST /v1/labels/delete                                         see label.go
//	POST /v1/tokens/create, list, revoke                           see tokens.go
//	POST /v1/import   see import_stream.go             → frames
//	POST /v1/dump     {"dir": …, "passphrase": …}      → frames, without names
//	POST /v1/clock/confirm                             → {}
//	POST /v1/reload                                    → Reloaded
//	POST /v1/erase    {"names": […], "dry_run": …}     → Erasure
//	POST /v1/purge                                     → {}
//	POST /v1/examine                                   → Diagnosis
//	POST /v1/find     {"name": …}                      → Found
//
// A failure is a status of 400 or 500 with a failure as its body.
func (d *DMP) controlServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) { return d.Status(r.Context()) })
	})
	answerQuestion(mux, pathCount, func(ctx context.Context, q question) (Count, error) { return d.Count(ctx, q.Expression) })
	answerQuestion(mux, pathExplain, func(ctx context.Context, q question) (Explanation, error) { return d.Explain(ctx, q.Expression) })
	answerQuestion(mux, pathOverlap, func(ctx context.Context, q question) (Overlap, error) { return d.Overlap(ctx, q.Expressions) })
	answerQuestion(mux, pathAffinity, func(ctx context.Context, q question) (Affinity, error) { return d.Affinity(ctx, q.Expression) })
	answerQuestion(mux, pathSizeByDay, func(ctx context.Context, q question) (SizeByDay, error) {
		return d.SizeByDay(ctx, q.Expression, q.Days)
	})
	d.answerShelf(mux)
	answerQuestion(mux, pathCreateToken, d.CreateToken)
	answerQuestion(mux, pathListTokens, func(ctx context.Context, _ struct{}) ([]access.Grant, error) { return d.Tokens(ctx) })
	answerQuestion(mux, pathRevokeToken, func(ctx context.Context, o tokenOrder) (struct{}, error) {
		return struct{}{}, d.RevokeToken(ctx, o.ID)
	})
	mux.HandleFunc("POST /v1/export", d.streamExport)
	stopping, stop := context.WithCancel(context.Background())
	mux.HandleFunc("POST /v1/import", func(w http.ResponseWriter, r *http.Request) { d.streamImport(stopping, w, r) })
	mux.HandleFunc("POST /v1/dump", func(w http.ResponseWriter, r *http.Request) { d.streamDump(stopping, w, r) })
	mux.HandleFunc("POST /v1/clock/confirm", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) { return struct{}{}, d.ConfirmClock(r.Context()) })
	})
	answerQuestion(mux, pathListLabels, func(ctx context.Context, q labelsQuestion) (Labels, error) { return d.Labels(ctx, q.Prefix) })
	answerQuestion(mux, pathReload, func(ctx context.Context, _ struct{}) (Reloaded, error) { return d.Reload(ctx) })
	answerQuestion(mux, pathErase, d.Erase)
	answerQuestion(mux, pathPurge, func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, d.Purge(ctx) })
	answerQuestion(mux, pathExamine, func(ctx context.Context, _ struct{}) (Diagnosis, error) { return d.Examine(ctx) })
	answerQuestion(mux, pathFind, func(ctx context.Context, q findQuestion) (Found, error) { return d.Find(ctx, q.Name) })
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: controlHeaderTimeout,
		ReadTimeout:       controlReadTimeout,
		WriteTimeout:      controlAnswerTimeout,
		IdleTimeout:       controlIdleTimeout,
		MaxHeaderBytes:    controlHeaderBytes,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelError),
	}
	server.RegisterOnShutdown(stop)
	return server
}

// question is one about expressions; each path reads the fields it needs.
type question struct {
	Expression  string   `json:"expression,omitempty"`
	Expressions []string `json:"expressions,omitempty"`
	Days        int      `json:"days,omitempty"`
}

// shelfOrder is one to the saved segments; each path reads the fields it needs.
type shelfOrder struct {
	Name    string           `json:"name,omitempty"`
	To      string           `json:"to,omitempty"`
	Segment segments.Segment `json:"segment,omitzero"`
	Replace bool             `json:"replace,omitempty"`
}

// tokenOrder names a token by its id.
type tokenOrder struct {
	ID string `json:"id"`
}

// findQuestion names a user to look for.
type findQuestion struct {
	Name string `json:"name"`
}

// labelsQuestion says which labels are asked for.
type labelsQuestion struct {
	Prefix string `json:"prefix"`
}

// The paths of the socket that take and give JSON.
const (
	pathCount         = "/v1/count"
	pathExplain       = "/v1/explain"
	pathOverlap       = "/v1/overlap"
	pathAffinity      = "/v1/affinity"
	pathSizeByDay     = "/v1/size-by-day"
	pathListSegments  = "/v1/segments/list"
	pathShowSegment   = "/v1/segments/show"
	pathSaveSegment   = "/v1/segments/save"
	pathCopySegment   = "/v1/segments/copy"
	pathRenameSegment = "/v1/segments/rename"
	pathDeleteSegment = "/v1/segments/delete"
	pathListLabels    = "/v1/labels/list"
	pathDeleteLabel   = "/v1/labels/delete"
	pathCreateToken   = "/v1/tokens/create"
	pathListTokens    = "/v1/tokens/list"
	pathRevokeToken   = "/v1/tokens/revoke"
	pathReload        = "/v1/reload"
	pathErase         = "/v1/erase"
	pathPurge         = "/v1/purge"
	pathExamine       = "/v1/examine"
	pathFind          = "/v1/find"
)

func (d *DMP) answerShelf(mux *http.ServeMux) {
	answerQuestion(mux, pathListSegments, func(ctx context.Context, _ shelfOrder) ([]SavedSegment, error) { return d.Segments(ctx) })
	answerQuestion(mux, pathShowSegment, func(ctx context.Context, o shelfOrder) (SavedSegment, error) { return d.Segment(ctx, o.Name) })
	answerQuestion(mux, pathSaveSegment, func(ctx context.Context, o shelfOrder) (SavedSegment, error) {
		return d.SaveSegment(ctx, o.Segment, o.Replace)
	})
	answerQuestion(mux, pathCopySegment, func(ctx context.Context, o shelfOrder) (SavedSegment, error) {
		return d.CopySegment(ctx, o.Name, o.To)
	})
	answerQuestion(mux, pathRenameSegment, func(ctx context.Context, o shelfOrder) (struct{}, error) {
		return struct{}{}, d.RenameSegment(ctx, o.Name, o.To)
	})
	answerQuestion(mux, pathDeleteLabel, func(ctx context.Context, o shelfOrder) (struct{}, error) {
		return struct{}{}, d.DeleteLabel(ctx, o.Name)
	})
	answerQuestion(mux, pathPublishSegment, func(ctx context.Context, o shelfOrder) (SavedSegment, error) {
		return d.PublishSegment(ctx, o.Name, o.To)
	})
	answerQuestion(mux, pathUnpublishSegment, func(ctx context.Context, o shelfOrder) (SavedSegment, error) {
		return d.UnpublishSegment(ctx, o.Name, o.To)
	})
	answerQuestion(mux, pathDeleteSegment, func(ctx context.Context, o shelfOrder) (struct{}, error) {
		return struct{}{}, d.DeleteSegment(ctx, o.Name)
	})
}

// answerQuestion answers a path whose question and answer are JSON.
func answerQuestion[Q, A any](mux *http.ServeMux, path string, ask func(context.Context, Q) (A, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, func() (any, error) {
			var q Q
			if err := readJSON(w, r, &q); err != nil {
				return nil, err
			}
			return ask(r.Context(), q)
		})
	})
}

func (d *DMP) streamExport(w http.ResponseWriter, r *http.Request) {
	var q ExportRequest
	if err := readJSON(w, r, &q); err != nil {
		answerJSON(w, func() (any, error) { return nil, err })
		return
	}
	stream(w, r, func(ctx context.Context, frames *frameWriter, progress Progress) (any, error) {
		return d.Export(ctx, q, frames, progress)
	})
}

// streamDump answers until the dump is written, or the server is stopping: a dump
// can be taken again, so nobody waits for it.
func (d *DMP) streamDump(stopping context.Context, w http.ResponseWriter, r *http.Request) {
	var q DumpRequest
	if err := readJSON(w, r, &q); err != nil {
		answerJSON(w, func() (any, error) { return nil, err })
		return
	}
	stream(w, r, func(ctx context.Context, _ *frameWriter, progress Progress) (any, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(stopping, func() { cancel(errStopping) })()
		result, err := d.Dump(ctx, q, progress)
		if err != nil && context.Cause(ctx) == errStopping {
			err = &Error{Op: "dump", Object: d.config.Data, Err: errStopping, Hint: "When it runs again, dump again: nothing is left of this one."}
		}
		return result, err
	})
}

// stream answers with frames. Work whose reader has left is told to end.
func stream(w http.ResponseWriter, r *http.Request, work func(context.Context, *frameWriter, Progress) (any, error)) {
	w.Header().Set("Content-Type", "application/octet-stream")
	moving := &movingWriter{w: w, deadline: http.NewResponseController(w)}
	frames := &frameWriter{w: bufio.NewWriterSize(moving, 64<<10)}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	result, err := work(ctx, frames, func(done, total int, users uint64) {
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
	"request":    ErrRequest,
	"file":       ErrFile,
	"id_space":   ErrIDSpace,
	"segment":    ErrSegment,
	"label":      storage.ErrBadLabel,
	"read_only":  ErrReadOnly,
	"config":     ErrConfig,
	"grant":      access.ErrBadGrant,
	"token":      access.ErrUnknown,
	"user":       ErrUnknownUser,
	"passphrase": ErrPassphrase,
	"exists":     dump.ErrExists,
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
	switch f.Kind {
	case "expression", "id_space", "segment", "label", "request", "grant", "token", "read_only":
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
