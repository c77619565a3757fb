package dmp

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sosie/pixel"
	"sosie/pixel/rules"
)

// RuleQuestion is a page, or an event on it, to try a site's rules on.
type RuleQuestion struct {
	// URL is the page's address, or its path from / on.
	URL string
	// Site is the key of the site; empty finds it by the host of the address.
	Site string
	// Referrer is the address the visitor came from, Title and Words are the page's,
	// Search is what the visitor searched for on the site.
	Referrer, Title, Words, Search string
	// Event is the name of an event, empty for a page view; Items are ids with
	// commas between them; Value is a number, or one with a currency: 49.90 EUR.
	Event, Items, Value string
	// Agent is the browser's User-Agent, for the class of device.
	Agent string
	// At is the moment: RFC 3339, or 2026-01-03 20:00 in the site's zone; empty is
	// now.
	At string
}

// RuleAnswer is what a site's rules make of a page.
type RuleAnswer struct {
	Site string `json:"site"`
	URL  string `json:"url"`
	// Device is mobile, tablet, desktop or unknown.
	Device string `json:"device"`
	// At is the moment, in the site's zone.
	At time.Time `json:"at"`
	// Labels are those that the pixel writes, in order of name.
	Labels []string `json:"labels"`
	// Fired are the rules that fired, in their order; Missed are the others, those
	// that lack least first.
	Fired    []RuleVerdict `json:"fired"`
	Missed   []RuleVerdict `json:"missed"`
	Warnings []string      `json:"warnings"`
}

// RuleVerdict is what became of one rule.
type RuleVerdict struct {
	// Rule is the rule's number in the configuration, from 1.
	Rule   int      `json:"rule"`
	Name   string   `json:"name,omitempty"`
	Labels []string `json:"labels"`
	// Met of Conditions are met; Failed is the first that is not.
	Met        int    `json:"met"`
	Conditions int    `json:"conditions"`
	Failed     string `json:"failed,omitempty"`
}

// TryRules tries the rules of a site. It needs no store and no server.
func TryRules(c Config, q RuleQuestion) (RuleAnswer, error) {
	page := rules.Page{
		Referrer: []byte(q.Referrer), Title: []byte(q.Title), Meta: []byte(q.Words), Search: []byte(q.Search),
		Event: []byte(q.Event), Items: []byte(q.Items), Device: rules.DeviceOf([]byte(q.Agent)),
	}
	fail := func(object string, err error, hint string) (RuleAnswer, error) {
		return RuleAnswer{}, &Error{Op: "test rules of", Object: object, Err: err, Hint: hint}
	}
	if page.SetURL([]byte(q.URL)); len(page.Path) == 0 {
		return fail(q.URL, caused{errors.New("it is no address of a page"), ErrRequest}, "Want an address such as https://www.shop.example/tennis, or a path such as /tennis.")
	}
	value, currency, _ := strings.Cut(q.Value, " ")
	page.Value, page.Currency = []byte(value), []byte(currency)
	site, err := c.siteOfPage(q.Site, page.Host)
	if err != nil {
		return fail(q.URL, err, "Say which site with --site, or give the site its hosts in the configuration.")
	}
	p, err := c.tryPixel(*site)
	if err != nil {
		return fail(site.Key, err, "")
	}
	zone, err := rules.ParseZone(site.Zone)
	if err != nil {
		return fail(site.Key, err, "")
	}
	if page.Time, err = parseMoment(q.At, zone); err != nil {
		return fail(q.URL, err, "Want a time such as 2026-01-03T20:00:00+01:00, or one in the site's zone such as '2026-01-03 20:00'.")
	}
	set, _ := p.Pages(site.Key)
	a := RuleAnswer{
		Site: site.Key, URL: q.URL, Device: page.Device.String(), At: page.Time,
		Labels: []string{}, Fired: []RuleVerdict{}, Missed: []RuleVerdict{}, Warnings: []string{},
	}
	a.add(set.Explain(&page))
	if hosts, err := rules.ParseHosts(site.Hosts); err == nil && len(page.Host) > 0 && !hosts.Empty() && !hosts.Has(page.Host) {
		warning := fmt.Sprintf("%s is none of the hosts of site %s", page.Host, site.Key)
		if site.Strict {
			warning += ", which is strict: the hit is refused"
		}
		a.Warnings = append(a.Warnings, warning)
	}
	if p.IsRobot([]byte(q.Agent)) {
		a.Warnings = append(a.Warnings, "the agent is a robot's: its hits are answered and not recorded")
	}
	return a, nil
}

// add sorts verdicts into the answer.
func (a *RuleAnswer) add(verdicts []rules.Verdict) {
	for _, v := range verdicts {
		verdict := RuleVerdict{Rule: v.Rule + 1, Name: v.Name, Labels: v.Labels, Met: v.Met, Conditions: v.Conditions, Failed: v.Failed}
		if !v.Fired {
			a.Missed = append(a.Missed, verdict)
			continue
		}
		a.Fired = append(a.Fired, verdict)
		a.Labels = append(a.Labels, v.Labels...)
	}
	slices.Sort(a.Labels)
	a.Labels = slices.Compact(a.Labels)
	slices.SortStableFunc(a.Missed, func(a, b RuleVerdict) int {
		return cmp.Or(cmp.Compare(b.Met, a.Met), cmp.Compare(a.Conditions, b.Conditions))
	})
}

// ListedRule is a rule of the configuration.
type ListedRule struct {
	Site string `json:"site"`
	// Rule is the rule's number, from 1.
	Rule       int      `json:"rule"`
	Name       string   `json:"name,omitempty"`
	Conditions []string `json:"conditions"`
	Labels     []string `json:"labels"`
}

// ListRules returns the rules of a site, or of all sites where none is named.
func ListRules(c Config, site string) ([]ListedRule, error) {
	list := []ListedRule{}
	found := site == ""
	for _, s := range c.Sites {
		if site != "" && s.Key != site {
			continue
		}
		found = true
		for i := range s.Rules {
			r := &s.Rules[i]
			list = append(list, ListedRule{Site: s.Key, Rule: i + 1, Name: r.Name, Conditions: r.Conditions(), Labels: r.Labels})
		}
	}
	if !found {
		return nil, &Error{Op: "list rules of", Object: site, Err: fmt.Errorf("%w: %s", ErrSite, c.sitesThereAre()),
			Hint: "Give the configuration with --config."}
	}
	return list, nil
}

// siteOfPage finds a site by its key, or by the host of a page, or because there
// is no other.
func (c Config) siteOfPage(key string, host []byte) (*pixel.Site, error) {
	var found []*pixel.Site
	for i := range c.Sites {
		s := &c.Sites[i]
		hosts, err := rules.ParseHosts(s.Hosts)
		if err != nil {
			return nil, err
		}
		if key == s.Key || key == "" && hosts.Has(host) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("%w: sites %s and %s both have host %s", ErrSite, found[0].Key, found[1].Key, host)
	case key == "" && len(c.Sites) == 1 && (len(host) == 0 || len(c.Sites[0].Hosts) == 0):
		return &c.Sites[0], nil
	case key == "" && len(host) > 0:
		return nil, fmt.Errorf("%w: none has host %s; %s", ErrSite, host, c.sitesThereAre())
	}
	return nil, fmt.Errorf("%w: %s", ErrSite, c.sitesThereAre())
}

func (c Config) sitesThereAre() string {
	if len(c.Sites) == 0 {
		return "the configuration has no sites"
	}
	keys := make([]string, len(c.Sites))
	for i, s := range c.Sites {
		keys[i] = s.Key
	}
	return "the sites are " + strings.Join(keys, ", ")
}

// parseMoment reads a time, in a zone where the text does not say.
func parseMoment(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Now().In(zone), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.In(zone), nil
		}
	}
	return time.Time{}, caused{fmt.Errorf("time %q cannot be read", text), ErrRequest}
}
