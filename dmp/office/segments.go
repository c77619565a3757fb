package office

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sosie/audience"
	"sosie/audience/segments"
	"sosie/dmp"
	"sosie/dmp/access"
)

// saved is a saved segment.
type saved struct {
	Name       string    `json:"name"`
	Expression string    `json:"expression"`
	Owner      string    `json:"owner,omitempty"`
	Folder     string    `json:"folder,omitempty"`
	Note       string    `json:"note,omitempty"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
	// Published is who may know its members.
	Published []string   `json:"published_to,omitempty" doc:"Sites and partners that may know who is in it. None is told to a token with sites."`
	Sizes     []sizedDay `json:"sizes" doc:"One a day, ascending; in a list the newest only. None for a token with sites where the segment is of other users too."`
}

// shelf is the saved segments.
type shelf struct {
	Segments []saved `json:"segments"`
}

// Named names a segment. It is exported for the reason that TrueOf is.
type Named struct {
	Name string `path:"name" maxLength:"64"`
}

// keeping is a segment to save.
type keeping struct {
	Named
	Body struct {
		Expression string `json:"expression" minLength:"1" maxLength:"65536"`
		Owner      string `json:"owner,omitempty" maxLength:"128"`
		Folder     string `json:"folder,omitempty" maxLength:"256" doc:"Where it belongs. Default: the folder of the token."`
		Note       string `json:"note,omitempty" maxLength:"4096"`
		Replace    bool   `json:"replace,omitempty" doc:"Put it in place of the segment that has the name."`
	}
}

// another is a second name for a segment.
type another struct {
	Named
	Body struct {
		To string `json:"to" maxLength:"64"`
	}
}

// destination is who may know the members of a segment.
type destination struct {
	Named
	Body struct {
		To string `json:"to" minLength:"1" maxLength:"128" doc:"The key of a site, or partner/NAME."`
	}
}

// segments registers the shelf.
func (o *Office) segments() {
	register(o, access.ReadSegments, huma.Operation{OperationID: "list-segments", Method: http.MethodGet, Path: "/v1/segments",
		Summary: "List the saved segments"}, listSegments)
	register(o, access.ReadSegments, huma.Operation{OperationID: "show-segment", Method: http.MethodGet, Path: "/v1/segments/{name}",
		Summary: "Show a saved segment and the history of its sizes"}, showSegment)
	register(o, access.WriteSegments, huma.Operation{OperationID: "save-segment", Method: http.MethodPut, Path: "/v1/segments/{name}",
		Summary: "Keep an expression under a name"}, saveSegment)
	register(o, access.WriteSegments, huma.Operation{OperationID: "copy-segment", Method: http.MethodPost, Path: "/v1/segments/{name}/copy",
		Summary: "Save a segment under a second name"}, copySegment)
	register(o, access.WriteSegments, huma.Operation{OperationID: "rename-segment", Method: http.MethodPost, Path: "/v1/segments/{name}/rename",
		Summary: "Rename a segment, also in those that use it"}, renameSegment)
	register(o, access.PublishSegments, huma.Operation{OperationID: "publish-segment", Method: http.MethodPost, Path: "/v1/segments/{name}/publish",
		Summary: "Let a site or a partner know who is in a segment"}, publishSegment)
	register(o, access.PublishSegments, huma.Operation{OperationID: "unpublish-segment", Method: http.MethodPost, Path: "/v1/segments/{name}/unpublish",
		Summary: "End that"}, unpublishSegment)
	register(o, access.WriteSegments, huma.Operation{OperationID: "delete-segment", Method: http.MethodDelete, Path: "/v1/segments/{name}",
		Summary: "Delete a segment that no other uses"}, deleteSegment)
}

func listSegments(ctx context.Context, c caller, _ *struct{}) (out shelf, err error) {
	all, err := c.house.Segments(ctx)
	if err != nil {
		return out, err
	}
	out.Segments = []saved{}
	for _, s := range all {
		if c.grant.Holds(s.Folder) {
			out.Segments = append(out.Segments, c.savedOf(s))
		}
	}
	return out, nil
}

func showSegment(ctx context.Context, c caller, in *Named) (out saved, err error) {
	s, err := c.segment(ctx, in.Name)
	if err != nil {
		return out, err
	}
	return c.savedOf(s), nil
}

// saveSegment keeps what a caller of some sites saves as the expression it is asked
// for: whoever uses the segment later gets the users of these sites only, and the
// sizes that are measured daily are of them.
func saveSegment(ctx context.Context, c caller, in *keeping) (out saved, err error) {
	s := segments.Segment{Name: in.Name, Owner: in.Body.Owner, Folder: in.Body.Folder, Note: in.Body.Note}
	if s.Expression, err = c.scoped(ctx, in.Body.Expression); err != nil {
		return out, err
	}
	if s.Folder == "" {
		s.Folder = c.grant.Folder
	}
	if !c.grant.Holds(s.Folder) {
		return out, forbidden(fmt.Sprintf("folder %q is not one of this token", s.Folder), "Leave the folder out, or name one below "+c.grant.Folder+".")
	}
	// What exists and is not seen cannot be replaced: there is one already.
	replace := in.Body.Replace && c.sees(ctx, in.Name)
	kept, err := c.house.SaveSegment(ctx, s, replace)
	if err != nil {
		return out, err
	}
	return c.savedOf(kept), nil
}

func copySegment(ctx context.Context, c caller, in *another) (out saved, err error) {
	if _, err := c.segment(ctx, in.Name); err != nil {
		return out, err
	}
	copied, err := c.house.CopySegment(ctx, in.Name, in.Body.To)
	if err != nil {
		return out, err
	}
	return c.savedOf(copied), nil
}

func renameSegment(ctx context.Context, c caller, in *another) (done, error) {
	if _, err := c.segment(ctx, in.Name); err != nil {
		return done{}, err
	}
	return done{}, c.house.RenameSegment(ctx, in.Name, in.Body.To)
}

func publishSegment(ctx context.Context, c caller, in *destination) (saved, error) {
	s, err := c.house.PublishSegment(ctx, in.Name, in.Body.To)
	return c.savedOf(s), err
}

func unpublishSegment(ctx context.Context, c caller, in *destination) (saved, error) {
	s, err := c.house.UnpublishSegment(ctx, in.Name, in.Body.To)
	return c.savedOf(s), err
}

func deleteSegment(ctx context.Context, c caller, in *Named) (done, error) {
	if _, err := c.segment(ctx, in.Name); err != nil {
		return done{}, err
	}
	err := c.house.DeleteSegment(ctx, in.Name)
	if errors.Is(err, segments.ErrUsed) && c.grant.Folder != "" { // their names may be of other folders
		return done{}, newProblem(http.StatusConflict, fmt.Sprintf("delete segment %s: %v", in.Name, segments.ErrUsed), "Change or delete those first.")
	}
	return done{}, err
}

// savedOf is a segment as the caller may know it. Sizes of a segment that is not
// of the caller's sites alone were measured over others' users too.
func (c caller) savedOf(s dmp.SavedSegment) saved {
	out := saved{s.Name, s.Expression, s.Owner, s.Folder, s.Note, s.Created, s.Changed, s.PublishedTo, []sizedDay{}}
	if c.confined() {
		out.Published = nil
		if e, err := audience.Parse(s.Expression); err != nil || !c.isWithin(e) {
			return out
		}
	}
	for _, size := range s.Sizes {
		out.Sizes = append(out.Sizes, sizedDay{size.Day.String(), tell(size.Users, c.exact())})
	}
	return out
}
