package office

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp/access"
)

// grantKey is where a request's context keeps its grant.
type grantKey struct{}

// operationKey is where a description keeps what the table is asked about.
const operationKey = "operation"

// answers is the body of an answer.
type answers[B any] struct{ Body B }

// done is the body of an answer that says no more than that.
type done struct{}

// register adds an operation to the door that is worked on when it is the caller's
// turn.
func register[I, B any](o *Office, op access.Operation, h huma.Operation, ask func(context.Context, caller, *I) (B, error)) {
	registerAtOnce(o, op, h, func(ctx context.Context, c caller, in *I) (body B, err error) {
		end, err := o.turns.take(ctx, c.grant.ID)
		if err != nil {
			return body, err
		}
		defer end()
		return ask(ctx, c, in)
	})
}

// registerAtOnce adds an operation to the door that waits for no other: what an
// administrator needs while questions take every turn. There is no other way to add
// one, so none escapes the table.
func registerAtOnce[I, B any](o *Office, op access.Operation, h huma.Operation, ask func(context.Context, caller, *I) (B, error)) {
	h.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		grant, err := o.admit(ctx.Header("Authorization"), ctx.RemoteAddr(), op)
		if err != nil {
			p := problemOf(err, true)
			for name, value := range p.headers() {
				ctx.SetHeader(name, value)
			}
			p.write(o.api, ctx)
			return
		}
		next(huma.WithValue(ctx, grantKey{}, grant))
	}}
	h.Metadata = map[string]any{operationKey: op}
	h.MaxBodyBytes, h.BodyReadTimeout = bodyBytes, readTimeout
	h.Security = []map[string][]string{{"token": {}}}
	h.Description = strings.TrimSpace(h.Description + " For the roles: " + rolesOf(op) + ".")
	h.Responses = map[string]*huma.Response{"default": problemResponse(o.api.OpenAPI().Components.Schemas)}
	huma.Register(o.api, h, func(ctx context.Context, in *I) (*answers[B], error) {
		grant, _ := ctx.Value(grantKey{}).(access.Grant) // without one it is nobody's
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		body, err := ask(ctx, caller{o.house, grant}, in)
		if err != nil {
			return nil, problemOf(err, grant.Role == access.Admin)
		}
		return &answers[B]{body}, nil
	})
}

// admit returns the grant of a request, or why it is sent away.
func (o *Office) admit(authorization, remote string, op access.Operation) (access.Grant, error) {
	from, _ := netip.ParseAddrPort(remote) // none is an address of its own
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		token = ""
	}
	grant, err := o.keyring.Admit(token, from.Addr())
	if err == nil && !grant.May(op) {
		err = forbidden("a token of the role "+string(grant.Role)+" may not "+op.String(), "")
	}
	return grant, err
}

func rolesOf(op access.Operation) string {
	var may []string
	for _, r := range access.Roles() {
		if access.Allowed(r, op) {
			may = append(may, string(r))
		}
	}
	return strings.Join(may, ", ")
}

// caller is who asks, and whom.
type caller struct {
	house House
	grant access.Grant
}

// exact reports whether the caller is told every number.
func (c caller) exact() bool { return c.grant.Role == access.Admin }

// refuse answers a request outside the API.
func refuse(w http.ResponseWriter, err error) {
	p := problemOf(err, true)
	for name, value := range p.headers() {
		w.Header().Set(name, value)
	}
	http.Error(w, p.Detail, p.Status)
}

func retryAfter() string { return strconv.Itoa(int(access.RetryAfter.Seconds())) }
