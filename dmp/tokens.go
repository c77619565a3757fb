package dmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"sosie/audience"
	"sosie/dmp/access"
)

// Tokens say who may ask at the doors.
type Tokens interface {
	// CreateToken makes a token for a grant, whose ID and Created are filled in.
	// The token is shown this once.
	CreateToken(ctx context.Context, grant access.Grant) (NewToken, error)
	// Tokens lists what the tokens stand for, oldest first.
	Tokens(ctx context.Context) ([]access.Grant, error)
	// RevokeToken ends a token, by the ID of its grant, at once.
	RevokeToken(ctx context.Context, id string) error
}

// NewToken is a token and what it stands for.
type NewToken struct {
	Token string       `json:"token"`
	Grant access.Grant `json:"grant"`
}

// Keyring is what the doors ask about tokens.
func (d *DMP) Keyring() *access.Keyring { return d.tokens }

// mayTrace reports whether the pixel tells the bearer of a token what became of a hit.
func (d *DMP) mayTrace(token []byte, from netip.Addr) bool {
	grant, err := d.tokens.AdmitBytes(token, from)
	return err == nil && grant.May(access.TracePixel)
}

// CreateToken makes a token. Its sites must be configured.
func (d *DMP) CreateToken(_ context.Context, grant access.Grant) (NewToken, error) {
	fail := func(err error, hint string) (NewToken, error) {
		return NewToken{}, &Error{Op: "create", Object: "token", Err: err, Hint: hint}
	}
	var known []string
	for _, site := range d.declared.Load().sites {
		known = append(known, site.Key)
	}
	for _, site := range grant.Sites {
		if slices.Contains(known, site) {
			continue
		}
		hint := "Name the site in the configuration file first."
		if near, ok := audience.Nearest(site, known); ok {
			hint = "Did you mean " + near + "?"
		}
		return fail(caused{fmt.Errorf("site %q is not configured", site), access.ErrBadGrant}, hint)
	}
	token, made, err := d.tokens.Create(grant)
	if err != nil {
		return fail(tokenCause(err), hintOf(err))
	}
	return NewToken{token, made}, nil
}

// Tokens lists what the tokens stand for.
func (d *DMP) Tokens(context.Context) ([]access.Grant, error) {
	return append([]access.Grant{}, d.tokens.List()...), nil
}

// RevokeToken ends a token.
func (d *DMP) RevokeToken(_ context.Context, id string) error {
	err := d.tokens.Revoke(id)
	if err == nil {
		return nil
	}
	hint := hintOf(err)
	if errors.Is(err, access.ErrUnknown) {
		hint = "`sosie token list` shows the ids."
	}
	return &Error{Op: "revoke", Object: "token " + id, Err: tokenCause(err), Hint: hint}
}

// FirstToken makes an administrator's token where the house has none; made says
// whether it did. A server that starts prints it, once.
func (d *DMP) FirstToken(ctx context.Context) (token NewToken, made bool, err error) {
	if slices.ContainsFunc(d.tokens.List(), func(g access.Grant) bool { return g.Role == access.Admin }) {
		return token, false, nil
	}
	token, err = d.CreateToken(ctx, access.Grant{Name: "first start", Role: access.Admin})
	return token, err == nil, err
}

// tokenCause is the cause of an error of the keyring, which says operation and
// object too.
func tokenCause(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}
