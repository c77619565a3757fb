package dmp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/audience/segments"
)

// TestQuestions: the server and the house give the same answers to every
// question, and the same refusals.
func TestQuestions(t *testing.T) {
	s := serve(t, testConfig(t))
	for i := range 3 {
		b := newBrowser(t, s.pixel)
		b.hit("interest/tennis")
		b.hit("")
		if i == 0 {
			b.hit("bought/racket")
		}
	}
	if _, err := s.client.SaveSegment(t.Context(), segments.Segment{Name: "fans", Expression: "interest/tennis"}, false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ask  func(e Engine) (any, error)
		want string // a part of the answer
		is   error
		says string
	}{
		{name: "overlap", want: `"intersections":[{"sets":[0],"users":3},{"sets":[1],"users":1},{"sets":[0,1],"users":1}],"union":3`,
			ask: func(e Engine) (any, error) {
				return e.Overlap(t.Context(), []string{"segment(fans)", "bought/racket"})
			}},
		{name: "overlap of one", is: ErrExpression, says: "want 2 to 32",
			ask: func(e Engine) (any, error) { return e.Overlap(t.Context(), []string{"seen"}) }},
		{name: "overlap of a typo", is: ErrExpression, says: "not declared",
			ask: func(e Engine) (any, error) { return e.Overlap(t.Context(), []string{"seen", "interest/tenis"}) }},
		{name: "affinity", want: `"population":3,"set":1,"labels":[{"label":"bought/racket","users":1,"common":1,"of_set":1,"of_label":1,"lift":3},{"label":"interest/tennis"`,
			ask: func(e Engine) (any, error) { return e.Affinity(t.Context(), "bought/racket") }},
		{name: "affinity of a typo", is: ErrExpression,
			ask: func(e Engine) (any, error) { return e.Affinity(t.Context(), "(") }},
		{name: "sizes", want: `"users":0},{"day":"` + today() + `","users":3}]`,
			ask: func(e Engine) (any, error) { return e.SizeByDay(t.Context(), "segment(fans)", 2) }},
		{name: "sizes of no days", is: ErrExpression,
			ask: func(e Engine) (any, error) { return e.SizeByDay(t.Context(), "seen", 0) }},
		{name: "explain", want: `"users":2,"chunks":1,"streamed_days":0`,
			ask: func(e Engine) (any, error) {
				x, err := e.Explain(t.Context(), "segment(fans) and not bought/racket")
				x.Took = 0
				forgetTimes(x.Plan)
				return x, err
			}},
		{name: "explain a missing segment", is: ErrExpression, says: `no segment "fan"`,
			ask: func(e Engine) (any, error) { return e.Explain(t.Context(), "segment(fan)") }},
		{name: "segments", want: `[{"name":"fans","expression":"interest/tennis",`,
			ask: func(e Engine) (any, error) { return e.Segments(t.Context()) }},
		{name: "segment", want: `"sizes":[{"day":"` + today() + `","users":3}]`,
			ask: func(e Engine) (any, error) { return e.Segment(t.Context(), "fans") }},
		{name: "no segment", is: ErrSegment, says: "no such segment",
			ask: func(e Engine) (any, error) { return e.Segment(t.Context(), "fan") }},
		{name: "save over another", is: ErrSegment, says: "there is one already",
			ask: func(e Engine) (any, error) {
				return e.SaveSegment(t.Context(), segments.Segment{Name: "fans", Expression: "seen"}, false)
			}},
		{name: "save a typo", is: ErrExpression, says: "ends too early",
			ask: func(e Engine) (any, error) {
				return e.SaveSegment(t.Context(), segments.Segment{Name: "x", Expression: "seen and"}, false)
			}},
		{name: "copy nothing", is: ErrSegment,
			ask: func(e Engine) (any, error) { return e.CopySegment(t.Context(), "none", "x") }},
		{name: "rename nothing", is: ErrSegment,
			ask: func(e Engine) (any, error) { return nil, e.RenameSegment(t.Context(), "none", "x") }},
		{name: "delete nothing", is: ErrSegment,
			ask: func(e Engine) (any, error) { return nil, e.DeleteSegment(t.Context(), "none") }},
	} {
		var texts []string
		for _, e := range []Engine{s.client, s.DMP} {
			answer, err := c.ask(e)
			if c.is != nil {
				if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s of %T: error %v, want %v %s", c.name, e, err, c.is, c.says)
				}
				texts = append(texts, "refused")
				continue
			}
			if err != nil {
				t.Fatalf("%s of %T: %v", c.name, e, err)
			}
			text, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.want) {
				t.Errorf("%s of %T: %s, want %s in it", c.name, e, text, c.want)
			}
			before, _, _ := strings.Cut(string(text), `"seq":`) // the view may be a newer one
			texts = append(texts, before)
		}
		if texts[0] != texts[1] {
			t.Errorf("%s: the server says %s, the house %s", c.name, texts[0], texts[1])
		}
	}
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }

func forgetTimes(step *audience.Step) {
	if step == nil {
		return
	}
	step.Took = 0
	for _, part := range step.Of {
		forgetTimes(part)
	}
}

// TestServingMeasuresSegments: a server notes the sizes of what was saved
// before it started.
func TestServingMeasuresSegments(t *testing.T) {
	config := testConfig(t)
	d, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	// Saved behind the back of SaveSegment, which measures.
	if _, err := d.segments.Save(segments.Segment{Name: "all", Expression: "seen"}, false); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s := serve(t, config)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		segment, err := s.client.Segment(t.Context(), "all")
		if err != nil {
			t.Fatal(err)
		}
		if len(segment.Sizes) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("nothing was measured")
		}
	}
}
