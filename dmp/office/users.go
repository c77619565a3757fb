package office

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp"
	"sosie/dmp/access"
)

// askedUsers is a question about who the users of an expression are.
type askedUsers struct {
	Body struct {
		Expression string `json:"expression" minLength:"1" maxLength:"65536"`
		IDSpace    string `json:"id_space,omitempty" doc:"Names users by their ids in this space. Default: the pseudonyms of the partner file."`
		Limit      int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"20"`
	}
}

// listed is some users of an expression, by names.
type listed struct {
	Expression string   `json:"expression"`
	Names      []string `json:"names"`
	More       bool     `json:"more" doc:"There are more than the limit."`
}

// users registers the list of users.
func (o *Office) users() {
	register(o, access.ListUsers, huma.Operation{OperationID: "users", Method: http.MethodPost, Path: "/v1/users",
		Summary: "List some users of an expression, by name", Description: "Opted-out and erased users and robots are left out."}, listUsers)
}

// errEnough ends a list that has as much as was asked.
var errEnough = errors.New("that is enough")

// names keeps names up to a limit.
type names struct {
	limit int
	kept  []string
}

// Write keeps a name.
func (n *names) Write(name []byte) error {
	if len(n.kept) == n.limit {
		return errEnough
	}
	n.kept = append(n.kept, string(name))
	return nil
}

func listUsers(ctx context.Context, c caller, in *askedUsers) (out listed, err error) {
	if !c.exact() { // the table says so too
		return out, forbidden("users are named to administrators only", "")
	}
	list := &names{limit: in.Body.Limit, kept: []string{}}
	result, err := c.house.Export(ctx, dmp.ExportRequest{Expression: in.Body.Expression, IDSpace: in.Body.IDSpace}, list, nil)
	more := errors.Is(err, errEnough)
	if err != nil && !more {
		return out, err
	}
	out = listed{result.Expression, list.kept, more}
	if more { // the result is of an export that ended well
		out.Expression = in.Body.Expression
	}
	return out, nil
}
