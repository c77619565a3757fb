package office

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp/access"
)

// asked is a question about one expression.
type asked struct {
	Body struct {
		Expression string `json:"expression" minLength:"1" maxLength:"65536" doc:"An expression of the segment language." example:"interest/tennis within 7d"`
	}
}

// counted is the answer to a count.
type counted struct {
	Count      number `json:"count"`
	Expression string `json:"expression" doc:"What was counted, in canonical text; for a token with sites with these added."`
	TrueOf
	Warnings []string `json:"warnings"`
}

// sizedDay is the size of an expression as of a day.
type sizedDay struct {
	Day   string `json:"day" format:"date"`
	Users number `json:"users"`
}

// sized is the sizes of an expression as of several days.
type sized struct {
	Expression string     `json:"expression"`
	Sizes      []sizedDay `json:"sizes" doc:"Ascending by day."`
	TrueOf
	Warnings []string `json:"warnings"`
}

// questions registers what is asked about expressions.
func (o *Office) questions() {
	register(o, access.CountUsers, huma.Operation{OperationID: "count", Method: http.MethodPost, Path: "/v1/count",
		Summary: "Count the users an expression means, exactly"}, count)
	register(o, access.CountUsers, huma.Operation{OperationID: "size-by-day", Method: http.MethodPost, Path: "/v1/size-by-day",
		Summary: "Count an expression as of each of the last days"}, sizeByDay)
	register(o, access.CompareUsers, huma.Operation{OperationID: "overlap", Method: http.MethodPost, Path: "/v1/overlap",
		Summary: "Compare expressions: what they have in common"}, overlap)
	register(o, access.CompareUsers, huma.Operation{OperationID: "affinity", Method: http.MethodPost, Path: "/v1/affinity",
		Summary: "Compare an expression with every label, by lift"}, affinity)
	register(o, access.ExplainPlan, huma.Operation{OperationID: "explain", Method: http.MethodPost, Path: "/v1/explain",
		Summary: "Show how an expression is evaluated, and what each part costs"}, explain)
}

func count(ctx context.Context, c caller, in *asked) (out counted, err error) {
	text, err := c.scoped(ctx, in.Body.Expression)
	if err != nil {
		return out, err
	}
	n, err := c.house.Count(ctx, text)
	if err != nil {
		return out, err
	}
	return counted{tell(n.Count, c.exact()), n.Expression, stamped(n.Stamp), n.Warnings}, nil
}

// askedDays is a question about one expression on several days.
type askedDays struct {
	Body struct {
		Expression string `json:"expression" minLength:"1" maxLength:"65536"`
		Days       int    `json:"days" minimum:"1" maximum:"3650" doc:"How many days back to go, today included."`
	}
}

func sizeByDay(ctx context.Context, c caller, in *askedDays) (out sized, err error) {
	text, err := c.scoped(ctx, in.Body.Expression)
	if err != nil {
		return out, err
	}
	found, err := c.house.SizeByDay(ctx, text, in.Body.Days)
	if err != nil {
		return out, err
	}
	out = sized{found.Expression, []sizedDay{}, stamped(found.Stamp), found.Warnings}
	for _, s := range found.Sizes {
		out.Sizes = append(out.Sizes, sizedDay{s.Day.String(), tell(s.Users, c.exact())})
	}
	return out, nil
}
