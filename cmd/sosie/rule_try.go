package main

import (
	"fmt"
	"strconv"
	"strings"

	"sosie/dmp"
)

// shownMisses is how many rules that did not fire are shown; --json has all.
const shownMisses = 20

// ruleTry tries the rules of a site on a page.
type ruleTry struct {
	URL      string `arg:"" name:"url" help:"Address of the page, or its path."`
	Site     string `help:"Key of the site. Default: the site that has the address's host." placeholder:"KEY"`
	Referrer string `help:"Address the visitor came from." placeholder:"URL"`
	Title    string `help:"Title of the page." placeholder:"TEXT"`
	Words    string `help:"Meta words of the page." placeholder:"TEXT"`
	Search   string `help:"What the visitor searched for on the site; also read from the address and the referrer." placeholder:"TEXT"`
	Event    string `help:"Name of an event. Default: a page view." placeholder:"NAME"`
	Item     string `help:"Id of the event's object or item; several with commas." placeholder:"ID"`
	Value    string `help:"Value of the event, such as 49.90 or '49.90 EUR'." placeholder:"VALUE"`
	Agent    string `help:"The browser's User-Agent. Default: none, of no known device." placeholder:"TEXT"`
	At       string `help:"Moment of the hit, RFC 3339 or '2026-01-03 20:00' in the site's zone. Default: now." placeholder:"TIME"`
	JSON     bool   `name:"json" help:"Print one JSON object, with every rule."`
}

// Help is shown by sosie rule test --help.
func (ruleTry) Help() string {
	return `It reads the configuration alone: neither a server nor a store is needed, and nothing is recorded. Where no rule fires it says of each what it lacks, those that lack least first.

` + rulesHelp + `

  sosie rule test https://www.shop.example/rackets/wilson --config sosie.yaml
  sosie rule test '/find?q=tennis+shoes' --site shop --agent 'Mozilla/5.0 (iPhone) Mobile' --config sosie.yaml
  sosie rule test / --site shop --event purchase --item sku-17,sku-18 --value '120 EUR' --at '2026-01-03 20:00' --config sosie.yaml`
}

// Run prints which rules fired, or why none did.
func (r *ruleTry) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	answer, err := dmp.TryRules(config, dmp.RuleQuestion{
		URL: r.URL, Site: r.Site, Referrer: r.Referrer, Title: r.Title, Words: r.Words, Search: r.Search,
		Event: r.Event, Items: r.Item, Value: r.Value, Agent: r.Agent, At: r.At,
	})
	if err != nil {
		return err
	}
	return answerOf(c, r.JSON, answer, answer.Warnings, func(a dmp.RuleAnswer) error { return c.printf("%s", firing(a)) })
}

// firing is the answer for people.
func firing(a dmp.RuleAnswer) string {
	var out strings.Builder
	fmt.Fprintf(&out, "site %s, device %s, %s\n\n", a.Site, a.Device, a.At.Format("Mon 2006-01-02 15:04 MST"))
	if len(a.Fired) > 0 {
		t := newTable("rule", "name", "labels")
		for _, v := range a.Fired {
			t.add(strconv.Itoa(v.Rule), v.Name, strings.Join(v.Labels, ", "))
		}
		fmt.Fprintf(&out, "fired\n%s\n", t)
	}
	if len(a.Labels) > 0 {
		fmt.Fprintf(&out, "labels: %s\n", strings.Join(a.Labels, ", "))
		return out.String()
	}
	out.WriteString("no label\n")
	if len(a.Missed) == 0 {
		if len(a.Fired) == 0 {
			out.WriteString("the site has no rules\n")
		}
		return out.String()
	}
	t := newTable("rule", "name", "met", "lacks")
	for _, v := range a.Missed[:min(len(a.Missed), shownMisses)] {
		t.add(strconv.Itoa(v.Rule), v.Name, fmt.Sprintf("%d of %d", v.Met, v.Conditions), v.Failed)
	}
	fmt.Fprintf(&out, "\nnot fired, the nearest first\n%s", t)
	if more := len(a.Missed) - shownMisses; more > 0 {
		fmt.Fprintf(&out, "  and %d more: --json lists all\n", more)
	}
	return out.String()
}
