package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sosie/dmp"
	"sosie/dmp/access"
)

// The verbs of tokens.
type (
	token struct {
		Create tokenCreate `cmd:"" help:"Make a token; it is shown this once."`
		List   tokenList   `cmd:"" help:"List what the tokens stand for."`
		Revoke tokenRevoke `cmd:"" help:"End a token at once."`
	}
	tokenCreate struct {
		Role    access.Role `required:"" enum:"site,partner,buyer,admin" help:"What its bearer is: site, partner, buyer or admin."`
		Name    string      `required:"" help:"Whose token it is."`
		Site    []string    `help:"Key of a site it is confined to; may be given again. Default: for a buyer, the whole house." placeholder:"KEY"`
		Partner string      `help:"The partner whose published segments it reads." placeholder:"NAME"`
		Folder  string      `help:"The folder of segments a buyer sees. Default: one for its sites." placeholder:"FOLDER"`
		Rate    int         `help:"Requests a second. Default: 1000 for a site, 20000 for a partner, 20 for a buyer, 100 for an admin." placeholder:"N"`
		JSON    bool        `name:"json" help:"Print one JSON object."`
	}
	tokenList struct {
		JSON bool `name:"json" help:"Print a JSON list."`
	}
	tokenRevoke struct {
		ID string `arg:"" name:"id" help:"Id of a token, as sosie token list shows it."`
	}
)

// Help is shown by sosie token create --help.
func (tokenCreate) Help() string {
	return `The store keeps a hash: who loses a token gets a new one.

  site      sends events of its sites, reads what was published to them
  partner   reads the segments published to it, and nothing else
  buyer     counts and keeps segments, never sees a user, nor a number under 20; with --site
            only users of these sites, labels they may write, and segments of its folder
  admin     everything in the back office

  sosie token create --role buyer --site shop --name "Ana, Acme"
  sosie token create --role partner --partner dsp --name "bidder"`
}

// Run makes a token. It prints the token alone on its output, so that a script can
// take it, and what it stands for beside it.
func (t *tokenCreate) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		made, err := engine.CreateToken(c, access.Grant{Name: t.Name, Role: t.Role, Sites: t.Site, Partner: t.Partner, Folder: t.Folder, Rate: t.Rate})
		if err != nil {
			return err
		}
		if t.JSON {
			return json.NewEncoder(c.out).Encode(made)
		}
		fmt.Fprintf(c.err, "%s, token %s of %s; it is shown this once:\n", made.Grant.Role, made.Grant.ID, made.Grant.Name)
		return c.printf("%s\n", made.Token)
	})
}

// Run lists tokens.
func (t *tokenList) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		grants, err := engine.Tokens(c)
		if err != nil {
			return err
		}
		if t.JSON {
			return json.NewEncoder(c.out).Encode(grants)
		}
		if len(grants) == 0 {
			return c.printf("no tokens; `sosie serve` makes an administrator's at its first start\n")
		}
		table := newTable("id", "role", "name", "of", "folder", "created")
		for _, g := range grants {
			of := strings.Join(g.Sites, " ")
			if g.Partner != "" {
				of = g.Partner
			}
			table.add(g.ID, string(g.Role), g.Name, of, g.Folder, g.Created.Format(time.RFC3339))
		}
		return c.printf("%s", table)
	})
}

// Run ends a token.
func (t *tokenRevoke) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error { return engine.RevokeToken(c, t.ID) })
}
