package office

import (
	"strings"
	"testing"

	"sosie/audience"
	"sosie/dmp/access"
)

// FuzzScope: whatever a caller of one site writes, what is asked for him holds no
// user of another and names nothing of another.
func FuzzScope(f *testing.F) {
	d := openDesk(f)
	d.populate()
	c := caller{d.house, access.Grant{Role: access.Buyer, Sites: []string{"shop"}, Folder: "shop"}}
	for _, seed := range []string{
		"seen", "not shop/tennis", "shop/tennis or not shop/* as of 2026-11-01", "not (shop/golf or not seen)", "news/politics", "site/news or seen",
		"shop/tennis then shop/golf within 3d", "\"seen\" or site/shop", "seen and (not site/shop)", "segment(x)", "lookalike(x)", "((seen))", "not not seen",
		"between(shop/*, 2026-10-01, 2026-11-30)", "SEEN\nor Shop/Tennis", "seen and site/shop or seen", "seen or seen and site/shop",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, err := c.scoped(t.Context(), text)
		if err != nil {
			return
		}
		e, err := audience.Parse(asked)
		if err != nil {
			return
		}
		audience.EachTerm(e, func(term audience.Expr) {
			if name := term.String(); strings.Contains(name, "news") {
				t.Fatalf("%q names %s", text, name)
			}
		})
		n, err := d.house.Count(t.Context(), "("+asked+") and not site/shop")
		if err == nil && n.Count != 0 {
			t.Fatalf("%q is asked as %q, which holds %d users of other sites", text, asked, n.Count)
		}
	})
}
