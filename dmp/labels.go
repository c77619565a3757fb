package dmp

import (
	"context"
	"slices"
	"strings"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/dmp/quality"
	"sosie/storage"
)

// Labels are all labels and how they are doing. They are exact, of those who may
// be counted.
type Labels struct {
	// Labels are in order of name, each with the users of the last 30 days, today
	// last.
	Labels []quality.Label `json:"labels"`
	// Population is everybody, SeenOnce those who were there on one day only.
	Population uint64 `json:"population"`
	SeenOnce   uint64 `json:"seen_once"`
	// Refused are the hits that were not recorded since the process started, by
	// cause.
	Refused []Refusal `json:"refused"`
	storage.Stamp
}

// Labels lists the labels whose names begin with a prefix.
func (d *DMP) Labels(ctx context.Context, prefix string) (out Labels, err error) {
	prefix = strings.ToLower(prefix)
	err = again(func() error {
		view, err := d.view(permit.Count, "labels")
		if err != nil {
			return err
		}
		daily, err := audience.CountDaily(ctx, view, audience.DailyWindow, permit.Count)
		if err != nil {
			return &Error{Op: "count", Object: "labels", Err: err, Hint: hintOf(err)}
		}
		out = Labels{Labels: []quality.Label{}, Population: daily.Population, SeenOnce: daily.SeenOnce, Refused: refusals(d.pixel.Counters()), Stamp: view.Stamp()}
		dictionary, rules, now := view.Labels(), d.granting(), time.Now()
		for _, days := range daily.Labels {
			if !strings.HasPrefix(days.Label, prefix) {
				continue
			}
			number, _ := dictionary.Lookup(days.Label)
			label := quality.Judge(days, dictionary.Spec(number), d.rhythm, now)
			label.Rules = rules[days.Label]
			out.Labels = append(out.Labels, label)
		}
		return nil
	})
	return out, err
}

// granting returns the rules that grant each label.
func (d *DMP) granting() map[string][]string {
	rules := map[string][]string{}
	for _, site := range d.declared.Load().sites {
		for i, rule := range site.Rules {
			name := site.Key + " " + rule.Called(i)
			for _, label := range rule.Labels {
				if !slices.Contains(rules[label], name) {
					rules[label] = append(rules[label], name)
				}
			}
		}
	}
	return rules
}
