package office

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp"
	"sosie/dmp/access"
)

// granted is the grants of all tokens.
type granted struct {
	Tokens []access.Grant `json:"tokens"`
}

// granting is a grant to make a token for.
type granting struct {
	Body struct {
		Name    string   `json:"name" minLength:"1" maxLength:"128" doc:"Whose token it is."`
		Role    string   `json:"role" enum:"site,partner,buyer,admin"`
		Sites   []string `json:"sites,omitempty" maxItems:"64" doc:"Keys of the sites it is confined to."`
		Partner string   `json:"partner,omitempty" doc:"The partner whose published segments it reads."`
		Folder  string   `json:"folder,omitempty" maxLength:"256" doc:"The folder of segments a buyer sees. Default: one for its sites."`
		Rate    int      `json:"rate,omitempty" minimum:"1" maximum:"1000000" doc:"Requests a second. Default: that of the role."`
	}
}

// revoked names a token by the id of its grant.
type revoked struct {
	ID string `path:"id" maxLength:"64"`
}

// tokens registers the tokens.
func (o *Office) tokens() {
	registerAtOnce(o, access.ManageTokens, huma.Operation{OperationID: "list-tokens", Method: http.MethodGet, Path: "/v1/tokens",
		Summary: "List what the tokens stand for"}, func(ctx context.Context, c caller, _ *struct{}) (granted, error) {
		all, err := c.house.Tokens(ctx)
		return granted{all}, err
	})
	registerAtOnce(o, access.ManageTokens, huma.Operation{OperationID: "create-token", Method: http.MethodPost, Path: "/v1/tokens",
		Summary: "Make a token; it is shown this once"}, func(ctx context.Context, c caller, in *granting) (dmp.NewToken, error) {
		b := in.Body
		return c.house.CreateToken(ctx, access.Grant{Name: b.Name, Role: access.Role(b.Role), Sites: b.Sites, Partner: b.Partner, Folder: b.Folder, Rate: b.Rate})
	})
	registerAtOnce(o, access.ManageTokens, huma.Operation{OperationID: "revoke-token", Method: http.MethodDelete, Path: "/v1/tokens/{id}",
		Summary: "End a token at once"}, func(ctx context.Context, c caller, in *revoked) (done, error) {
		return done{}, c.house.RevokeToken(ctx, in.ID)
	})
}
