package office

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp"
	"sosie/dmp/access"
	"sosie/storage"
)

// declared is a label and what it declares about itself.
type declared struct {
	Name      string   `json:"name"`
	Retention int      `json:"retention" doc:"Days a tag stays in force."`
	Origin    string   `json:"origin" enum:"first,second,third" doc:"Whose observation it is."`
	Provider  string   `json:"provider,omitempty"`
	Sensitive bool     `json:"sensitive"`
	Signed    bool     `json:"signed" doc:"The public pixel may not write it."`
	Uses      []string `json:"uses,omitempty" doc:"Uses and destinations it may serve; none means all."`
}

// dictionary is the labels.
type dictionary struct {
	Labels []declared `json:"labels"`
}

// ended names a label to end.
type ended struct {
	Name string `query:"name" required:"true" minLength:"1" maxLength:"128"`
}

// labels registers the labels.
func (o *Office) labels() {
	register(o, access.ReadLabels, huma.Operation{OperationID: "list-labels", Method: http.MethodGet, Path: "/v1/labels",
		Summary: "List the labels that may be named", Description: "For a token with sites: those that the sites bring."}, listLabels)
	register(o, access.ReadStatus, huma.Operation{OperationID: "label-quality", Method: http.MethodGet, Path: "/v1/labels/quality",
		Summary: "Say how labels are doing, day by day", Description: "Users of the last 30 days, hits, the rules that grant each, what is silent or doubled, and hits refused by cause."}, labelQuality)
	register(o, access.WriteLabels, huma.Operation{OperationID: "delete-label", Method: http.MethodDelete, Path: "/v1/labels",
		Summary: "End a label: nobody carries it any more", Description: "One that the configuration file declares is read-only here."}, deleteLabel)
}

func listLabels(_ context.Context, c caller, _ *struct{}) (dictionary, error) {
	out := dictionary{[]declared{}}
	labels := c.house.Dictionary()
	for _, name := range labels.Names() {
		if storage.Reserved(name) || c.confined() && !c.brings(name) {
			continue
		}
		l, ok := labels.Lookup(name)
		if !ok {
			continue
		}
		s := labels.Spec(l)
		out.Labels = append(out.Labels, declared{s.Name, s.Retention, string(s.Origin), s.Provider, s.Sensitive, s.Signed, s.Uses})
	}
	return out, nil
}

// prefixed asks for the labels under a prefix.
type prefixed struct {
	Prefix string `query:"prefix" maxLength:"128" doc:"Beginning of their names. Default: all labels."`
}

func labelQuality(ctx context.Context, c caller, in *prefixed) (dmp.Labels, error) {
	return c.house.Labels(ctx, in.Prefix)
}

func deleteLabel(ctx context.Context, c caller, in *ended) (done, error) {
	return done{}, c.house.DeleteLabel(ctx, in.Name)
}
