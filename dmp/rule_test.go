package dmp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const ruleConfig = `
sites:
  - key: shop
    hosts: [www.shop.example, "*.both.example"]
    strict: true
    zone: America/New_York
    rules:
      - {path: /a, event: cart, device: mobile, labels: l/1}
      - {path: /a, event: cart, labels: l/2}
      - {path: /b, event: cart, labels: l/3}
      - {name: evening, path: /a, hours: 18-23, labels: [l/5, l/4]}
  - key: news
    hosts: ["*.both.example"]
`

func TestTryRules(t *testing.T) {
	c, err := ParseConfig([]byte(ruleConfig))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		q    RuleQuestion
		want string // labels, numbers of the rules that missed, warnings; or the error
	}{
		{RuleQuestion{URL: "https://WWW.shop.example:8443/a?b", At: "2026-01-03 17:59"}, "[] 2 4 1 3 []"},
		{RuleQuestion{URL: "https://www.shop.example/a", At: "2026-01-03T18:00"}, "[l/4 l/5] 2 1 3 []"},
		{RuleQuestion{URL: "/a", Site: "shop", At: "2026-01-03T23:00:00Z", Event: "cart"}, "[l/2 l/4 l/5] 1 3 []"},
		{RuleQuestion{URL: "/a", Site: "shop", At: "2026-01-03", Event: "cart", Agent: "iPhone"}, "[l/1 l/2] 3 4 []"},
		{RuleQuestion{URL: "https://x.example/b", Site: "shop", At: "2026-01-03", Event: "cart"}, "[l/3] 2 1 4 [x.example is none of the hosts of site shop, which is strict: the hit is refused]"},
		{RuleQuestion{URL: "/a", Site: "news"}, "[] []"},
		{RuleQuestion{URL: "https://a.both.example/"}, "no such site: sites shop and news both have host a.both.example"},
		{RuleQuestion{URL: "https://both.example/"}, "no such site: none has host both.example; the sites are shop, news"},
		{RuleQuestion{URL: "a"}, "it is no address of a page"},
		{RuleQuestion{URL: "/a", Site: "shop", At: "2026-13-01"}, `time "2026-13-01" cannot be read`},
	} {
		a, err := TryRules(c, row.q)
		got := fmt.Sprint(a.Labels)
		for _, v := range a.Missed {
			got += fmt.Sprintf(" %d", v.Rule)
		}
		got += fmt.Sprint(" ", a.Warnings)
		if err != nil {
			if got = errors.Unwrap(err).Error(); Hint(err) == "" || !errors.Is(err, ErrSite) && !errors.Is(err, ErrRequest) {
				t.Errorf("%+v: %v has no hint, or is of no kind", row.q, err)
			}
		}
		if got != row.want {
			t.Errorf("%+v:\n got %s\nwant %s", row.q, got, row.want)
		}
	}
	// One site is the site, unless it knows better.
	c.Sites = c.Sites[:1]
	if a, err := TryRules(c, RuleQuestion{URL: "/a"}); err != nil || a.Site != "shop" {
		t.Errorf("one site, no host: %+v, %v", a, err)
	}
	if _, err := TryRules(c, RuleQuestion{URL: "https://x.example/a"}); !errors.Is(err, ErrSite) || !strings.Contains(err.Error(), "x.example") {
		t.Errorf("one site, another host: %v", err)
	}
}
