package bench

import (
	"context"
	"fmt"
	"io"
	"strings"

	"sosie/bench/replay"
	"sosie/bench/report"
)

// ReplayOptions configure Replay.
type ReplayOptions struct {
	Output
	Log         string `help:"Access log: unix time, host, method, URL, status, bytes, separated by tabs; unpacked if named .gz." required:""`
	To          string `help:"Server to send the hits to." default:"http://127.0.0.1:8080"`
	Site        string `help:"Key of the site that the pages belong to." default:"nasa"`
	NoCookies   bool   `help:"Browsers refuse cookies: nobody must be stored."`
	Connections int    `help:"Hits under way at a time; the visits of one host stay in order." default:"1"`
	Forwarded   bool   `help:"Send an X-Forwarded-For of its own for each host, to a server that trusts this machine as its proxy and limits new users by address."`
	Jars        string `help:"File to save the browsers' cookies to, one host a line. Whoever holds it is these users."`
	PrintLabels bool   `help:"Only print the labels that the server must know, one a line."`

	// Count asks the server for an expression's users; with it, the answers are
	// compared and a difference is an error. nil compares nothing.
	Count func(ctx context.Context, expression string) (uint64, error) `kong:"-"`
}

// Replay sends an access log through the pixel, one browser with a cookie jar
// for each host, and reports by brute force what must have been stored: the
// users of every label and of ten expressions. Before it, the store must be
// empty or the figures are those of a part of it.
func Replay(ctx context.Context, o ReplayOptions, out io.Writer) error {
	setDefault(&o.To, "http://127.0.0.1:8080")
	setDefault(&o.Site, "nasa")
	setDefault(&o.Connections, 1)
	visits, err := readVisits(o.Log)
	if err != nil {
		return fmt.Errorf("bench replay: %w", err)
	}
	if o.PrintLabels {
		_, err := io.WriteString(out, strings.Join(replay.Labels(visits), "\n")+"\n")
		return err
	}
	r, err := o.run(ctx, visits)
	if err != nil {
		return fmt.Errorf("bench replay: %w", err)
	}
	return r.Write(out, o.JSON)
}

func readVisits(path string) ([]replay.Visit, error) {
	log, err := replay.Open(path)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return replay.Read(log)
}

func (o ReplayOptions) run(ctx context.Context, visits []replay.Visit) (*report.Report, error) {
	browsers := &replay.Browsers{
		URL: o.To, Site: o.Site, KeepCookies: !o.NoCookies, Connections: o.Connections, Forwarded: o.Forwarded,
		Progress: func(done int) {
			if done%100 == 0 {
				o.say("visit %d of %d", done, len(visits))
			}
		},
	}
	outcome, err := browsers.Visit(ctx, visits)
	if err != nil {
		return nil, err
	}
	if n := outcome.Answers[200]; n != len(visits) {
		return nil, fmt.Errorf("%w: %d of %d visits were answered with 200: %v", ErrLost, n, len(visits), outcome.Answers)
	}
	if o.Jars != "" {
		if err := replay.SaveJars(o.Jars, browsers.Jars()); err != nil {
			return nil, err
		}
	}
	r := report.New("bench replay",
		report.Setting{Name: "log", Value: o.Log}, report.Setting{Name: "to", Value: o.To},
		report.Setting{Name: "cookies", Value: !o.NoCookies}, report.Setting{Name: "connections", Value: o.Connections})
	t := r.Table("replay", report.Column{Key: "measure", Head: "measure"}, report.Column{Key: "value", Head: "value"})
	people := replay.Expect(visits, !o.NoCookies)
	t.Add("visits, each answered", len(visits))
	t.Add("hosts with a cookie", len(browsers.Jars()))
	t.Add("hosts that must be users", len(people))
	t.Add("visits a second", float64(len(visits))/outcome.Elapsed.Seconds())
	t.Note("the others came once, or refused their cookie: they stay pending and are nobody")
	return r, o.compare(ctx, r, visits, people)
}

// compare reports what must be counted, and what the server counts if it can be
// asked.
func (o ReplayOptions) compare(ctx context.Context, r *report.Report, visits []replay.Visit, people replay.People) error {
	columns := []report.Column{{Key: "expression", Head: "expression"}, {Key: "expected", Head: "expected"}}
	if o.Count != nil {
		columns = append(columns, report.Column{Key: "counted", Head: "counted"})
	}
	t := r.Table("users, by brute force over the log", columns...)
	wrong := 0
	for _, q := range append(labelQuestions(visits), replay.Questions()...) {
		want := people.Count(q.Holds)
		if o.Count == nil {
			t.Add(q.Expression, want)
			continue
		}
		got, err := o.Count(ctx, q.Expression)
		if err != nil {
			return fmt.Errorf("count %s: %w", q.Expression, err)
		}
		if got != want {
			wrong++
		}
		t.Add(q.Expression, want, got)
	}
	if wrong > 0 {
		return fmt.Errorf("%w: %d of %d counts are not those of the log; was the store empty before?", ErrDiffers, wrong, len(t.Rows))
	}
	return nil
}

// labelQuestions asks for each label of the log alone.
func labelQuestions(visits []replay.Visit) []replay.Question {
	var out []replay.Question
	for _, label := range replay.Labels(visits) {
		out = append(out, replay.Question{Expression: label, Holds: func(labels map[string]bool) bool { return labels[label] }})
	}
	return out
}
