package dmp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sosie/pixel/rules"
	"sosie/storage"
)

// TestLabels: the server and the directory list the same labels, and what is odd.
func TestLabels(t *testing.T) {
	c := testConfig(t)
	c.Labels = append(c.Labels, Label{Name: "interest/golf", Retention: 60, Origin: "third", Provider: "example"})
	c.Sites[0].Rules = []rules.Rule{{Path: rules.Any{"/cart/*"}, Labels: rules.Any{"bought/racket"}}, {Name: "tennis", Path: rules.Any{"/tennis"}, Labels: rules.Any{"interest/tennis", "bought/racket"}}}
	s := serve(t, c)
	hits(t, s.store, "interest/tennis", 2, 3, 4, 5, 6, 7, 8)
	for range 60 {
		hits(t, s.store, "bought/racket", 0)
	}
	hits(t, s.store, "bought/racket", 1, 3, 5, 7, 9, 11, 13, 15)
	newBrowser(t, s.pixel).hit("bought/racket") // pending
	newBrowser(t, s.pixel).hit("unknown/label")
	far, err := s.client.Labels(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	near, err := s.DMP.Labels(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	near.At, far.At = time.Time{}, time.Time{}
	if d := cmp.Diff(near, far); d != "" {
		t.Errorf("the server and the house differ: %s", d)
	}
	var lines []string
	for _, l := range far.Labels {
		lines = append(lines, fmt.Sprintf("%s %d %d %d/%s silent=%d doubled=%v %s", l.Label, l.Users, l.UserDays, l.Retention, l.Origin, l.SilentDays, l.Doubled, strings.Join(l.Rules, ",")))
	}
	want := `bought/racket 61 68 395/first silent=0 doubled=true shop rule 1,shop rule 2 (tennis)
interest/golf 0 0 60/third silent=0 doubled=false 
interest/tennis 1 7 395/first silent=2 doubled=false shop rule 2 (tennis)
seen 62 75 395/first silent=0 doubled=true 
site/shop 0 0 395/first silent=0 doubled=false `
	if d := cmp.Diff(want, strings.Join(lines, "\n")); d != "" {
		t.Error(d)
	}
	if far.Population != 62 || far.SeenOnce != 60 {
		t.Errorf("population %d, seen once %d; want 62 and 60", far.Population, far.SeenOnce)
	}
	if d := cmp.Diff([]Refusal{{"label unknown", 1}}, far.Refused); d != "" {
		t.Error(d)
	}
	last := storage.DayOf(time.Now()) - 2
	some, err := s.client.Labels(t.Context(), "INTEREST/")
	if err != nil || len(some.Labels) != 2 || some.Labels[1].Last != last || len(some.Labels[1].Days) != 30 || some.Labels[0].Provider != "example" {
		t.Errorf("with a prefix: %+v, %v", some.Labels, err)
	}
}
