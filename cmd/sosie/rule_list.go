package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"sosie/dmp"
)

// ruleList lists rules.
type ruleList struct {
	Site string `help:"Only the rules of this site." placeholder:"KEY"`
	JSON bool   `name:"json" help:"Print a JSON array, an object for each rule."`
}

// Help is shown by sosie rule list --help.
func (ruleList) Help() string {
	return rulesHelp + `

  sosie rule list --config sosie.yaml
  sosie rule list --config sosie.yaml --site shop --json`
}

// Run prints a line for each rule.
func (l *ruleList) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	list, err := dmp.ListRules(config, l.Site)
	if err != nil {
		return err
	}
	if l.JSON {
		return json.NewEncoder(c.out).Encode(list)
	}
	t := newTable("site", "rule", "name", "labels", "conditions")
	for _, r := range list {
		t.add(r.Site, strconv.Itoa(r.Rule), r.Name, strings.Join(r.Labels, ", "), strings.Join(r.Conditions, "; "))
	}
	return c.printf("%s", t)
}
