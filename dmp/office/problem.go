package office

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"sosie/audience/segments"
	"sosie/dmp"
	"sosie/dmp/access"
	"sosie/storage"
)

// problemType is RFC 9457's.
const problemType = "application/problem+json"

// problem is an error as it leaves the door: RFC 9457, with a way out.
type problem struct {
	Title  string              `json:"title" doc:"What the status means."`
	Status int                 `json:"status"`
	Detail string              `json:"detail" doc:"What is wrong; of an expression with a line that points at the place."`
	Hint   string              `json:"hint,omitempty" doc:"The way out."`
	Errors []*huma.ErrorDetail `json:"errors,omitempty" doc:"Of a request that is not of the form described here: each place and what is wrong with it."`

	cause error
}

// Error is the detail.
func (p *problem) Error() string { return p.Detail }

// GetStatus is the status of the answer.
func (p *problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *problem) ContentType(string) string { return problemType }

// forbidden says that a caller may not.
func forbidden(detail, hint string) *problem { return newProblem(http.StatusForbidden, detail, hint) }

func newProblem(status int, detail, hint string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint}
}

// statuses are those of errors that are not the house's own fault.
var statuses = []struct {
	is     error
	status int
}{
	{access.ErrRefused, http.StatusUnauthorized},
	{access.ErrTries, http.StatusTooManyRequests},
	{access.ErrRate, http.StatusTooManyRequests},
	{dmp.ErrReadOnly, http.StatusConflict},
	{segments.ErrUnknown, http.StatusNotFound},
	{segments.ErrExists, http.StatusConflict},
	{segments.ErrUsed, http.StatusConflict},
	{segments.ErrPublished, http.StatusConflict},
	{access.ErrUnknown, http.StatusNotFound},
	{access.ErrBadGrant, http.StatusBadRequest},
	{dmp.ErrExpression, http.StatusBadRequest},
	{dmp.ErrIDSpace, http.StatusBadRequest},
	{dmp.ErrSegment, http.StatusBadRequest},
	{storage.ErrBadLabel, http.StatusBadRequest},
	{storage.ErrFull, http.StatusServiceUnavailable},
	{storage.ErrStopped, http.StatusServiceUnavailable},
	{storage.ErrStale, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
}

// problemOf is an error as it leaves the door. What fails in the house itself is
// told in full only to whom it concerns.
func problemOf(err error, full bool) *problem {
	if p := (*problem)(nil); errors.As(err, &p) {
		return p
	}
	for _, s := range statuses {
		if !errors.Is(err, s.is) {
			continue
		}
		p := newProblem(s.status, err.Error(), dmp.Hint(err))
		p.cause = err
		if s.status == http.StatusServiceUnavailable && !full {
			p.Detail, p.Hint = "The house cannot answer at the moment.", "Ask again later, or whoever runs it."
		}
		return p
	}
	if !full {
		return newProblem(http.StatusInternalServerError, "The house could not answer.", "Whoever runs it sees why with `sosie status`.")
	}
	return newProblem(http.StatusInternalServerError, err.Error(), dmp.Hint(err))
}

// headers are those that go with the problem.
func (p *problem) headers() map[string]string {
	switch {
	case p.Status == http.StatusUnauthorized:
		return map[string]string{"WWW-Authenticate": `Bearer realm="sosie"`}
	case access.Slow(p.cause):
		return map[string]string{"Retry-After": retryAfter(), "Connection": "close"}
	}
	return nil
}

// write answers with the problem.
func (p *problem) write(api huma.API, ctx huma.Context) {
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p) // a reader that left needs none
}

// problemResponse describes the problem in the OpenAPI document.
func problemResponse(schemas huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "What is wrong, and the way out.",
		Content:     map[string]*huma.MediaType{problemType: {Schema: schemas.Schema(reflect.TypeFor[problem](), true, "Problem")}},
	}
}
