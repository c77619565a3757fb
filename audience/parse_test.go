package audience

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sosie/storage"
)

// The scripts under testdata/parse show what the language accepts, how it
// prints, and what it says of mistakes. "parse" prints the canonical text,
// "tree" the operators that were understood.
func TestParseScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			e, err := Parse(d.Input)
			if err != nil {
				var own *Error
				if !errors.As(err, &own) {
					t.Errorf("%s: error of type %T", d.Pos, err)
				}
				return err.Error() + "\n"
			}
			if d.Cmd == "tree" {
				return tree(e) + "\n"
			}
			return e.String() + "\n"
		})
	})
}

// tree shows an expression with every operator in parentheses.
func tree(e Expr) string {
	list := func(word string, parts []Expr) string {
		s := "(" + word
		for _, part := range parts {
			s += " " + tree(part)
		}
		return s + ")"
	}
	switch e := e.(type) {
	case *And:
		return list("and", e.Parts)
	case *Or:
		return list("or", e.Parts)
	case *Not:
		return list("not", []Expr{e.Of})
	case *Within:
		return list(fmt.Sprintf("within-%d", e.Days), []Expr{e.Of})
	case *Frequency:
		return list(fmt.Sprintf("on-%d-of-%d", e.AtLeast, e.Days), []Expr{e.Of})
	case *Between:
		return list(fmt.Sprintf("between-%s-%s", e.From, e.To), []Expr{e.Of})
	case *Then:
		return list(fmt.Sprintf("then-%d", e.Gap), []Expr{e.First, e.Second})
	case *AsOf:
		return list(fmt.Sprintf("as-of-%s", e.Day), []Expr{e.Of})
	}
	return e.String()
}

// same compares expressions without their places in the text.
func same(a, b Expr) string { return cmp.Diff(a, b, cmpopts.IgnoreTypes(Pos{})) }

func TestCanonicalTextGivesTheExpressionBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := expressions(names, anyDay).Draw(t, "expression")
		again, err := Parse(e.String())
		if err != nil {
			t.Fatalf("parse %s: %v", e, err)
		}
		if diff := same(e, again); diff != "" {
			t.Fatalf("%s came back changed:\n%s", e, diff)
		}
	})
}

var names = rapid.OneOf(
	rapid.SampledFrom([]string{"seen", "within", "or", "segment", "7d", "0", "a/", "order", "not-", "2026-10-01"}),
	rapid.StringMatching(`[a-z0-9][a-z0-9_.:/-]{0,20}`),
)

var anyDay = rapid.Map(rapid.IntRange(0, 30_000), func(n int) storage.Day { return storage.Day(n) })

// expressions draws expressions in the form Parse gives them.
func expressions(names *rapid.Generator[string], days *rapid.Generator[storage.Day]) *rapid.Generator[Expr] {
	label := rapid.Map(names, func(name string) Expr { return &Label{Name: name} })
	prefix := rapid.Map(names, func(name string) Expr { return &Prefix{Prefix: strings.TrimSuffix(name, "/") + "/"} })
	leaf := rapid.OneOf(label, prefix)
	unitable := rapid.Map(rapid.SliceOfN(leaf, 1, 3), oneOr)
	length := rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(1, 40), rapid.IntRange(1, MaxWindow))
	window := rapid.Custom(func(t *rapid.T) Expr {
		return &Within{Of: unitable.Draw(t, "labels"), Days: length.Draw(t, "days")}
	})
	frequency := rapid.Custom(func(t *rapid.T) Expr {
		e := &Frequency{Of: unitable.Draw(t, "labels"), AtLeast: rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(1, MaxDays)).Draw(t, "at least")}
		if rapid.Bool().Draw(t, "windowed") {
			e.Days = max(e.AtLeast, length.Draw(t, "days"))
		}
		return e
	})
	between := rapid.Custom(func(t *rapid.T) Expr {
		from := days.Draw(t, "from")
		return &Between{Of: unitable.Draw(t, "labels"), From: from, To: from + storage.Day(rapid.IntRange(0, 40).Draw(t, "length"))}
	})
	side := rapid.OneOf(leaf, unitable, window, between)
	then := rapid.Custom(func(t *rapid.T) Expr {
		return &Then{First: side.Draw(t, "first"), Second: side.Draw(t, "second"), Gap: rapid.SampledFrom([]int{0, 1, 2, 7, 40}).Draw(t, "gap")}
	})
	call := rapid.Map(rapid.SampledFrom([]string{"one", "two-three", "or"}), func(name string) Expr { return &Call{Function: FuncSegment, Name: name} })
	var nested func(depth int) *rapid.Generator[Expr]
	nested = func(depth int) *rapid.Generator[Expr] {
		if depth == 0 {
			return rapid.OneOf(leaf, window, frequency, between, then, call)
		}
		return rapid.Custom(func(t *rapid.T) Expr {
			inner := nested(depth - 1)
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				return oneAnd(rapid.SliceOfN(inner, 2, 4).Draw(t, "and"))
			case 1:
				return oneOr(rapid.SliceOfN(inner, 2, 4).Draw(t, "or"))
			case 2:
				return &Not{inner.Draw(t, "not")}
			case 3:
				return &AsOf{Of: inner.Draw(t, "as of"), Day: days.Draw(t, "day")}
			}
			return inner.Draw(t, "plain")
		})
	}
	return nested(4)
}

// oneOr and oneAnd join parts the way Parse does: one operator for a chain.
func oneOr(parts []Expr) Expr {
	var flat []Expr
	for _, part := range parts {
		if or, ok := part.(*Or); ok {
			flat = append(flat, or.Parts...)
		} else {
			flat = append(flat, part)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &Or{flat}
}

func oneAnd(parts []Expr) Expr {
	var flat []Expr
	for _, part := range parts {
		if and, ok := part.(*And); ok {
			flat = append(flat, and.Parts...)
		} else {
			flat = append(flat, part)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &And{flat}
}

func TestLimits(t *testing.T) {
	list := func(n int) string { return strings.Repeat("a or ", n-1) + "a" }
	nest := func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(")", n) }
	nots := func(n int) string { return strings.Repeat("not ", n) + "a" }
	windows := func(n int) string { return strings.Repeat("a within 7d or ", n-1) + "a" }
	for _, row := range []struct {
		name, source, want string
	}{
		{"largest list", list(MaxOperands), ""},
		{"list", list(MaxOperands + 1), "too many labels"},
		{"far too long a list", list(3 * MaxOperands), "too many labels"},
		{"windows", windows(MaxOperands), ""},
		{"deepest parentheses", nest(MaxDepth), ""},
		{"parentheses", nest(MaxDepth + 1), "nested too deeply"},
		{"only opened", strings.Repeat("(", MaxSource), "nested too deeply"},
		{"most nots", nots(MaxDepth), ""},
		{"nots", nots(MaxDepth + 1), "nested too deeply"},
		{"only nots", strings.Repeat("not ", MaxSource/4), "ends too early"},
		{"mixed", strings.Repeat("not (", MaxDepth/2) + nots(1) + strings.Repeat(")", MaxDepth/2), "nested too deeply"},
		{"longest text", strings.Repeat(" ", MaxSource-1) + "a", ""},
		{"text", strings.Repeat(" ", MaxSource) + "a", "65537 bytes"},
		{"longest label", strings.Repeat("a", 128), ""},
		{"label", strings.Repeat("a", 129), "129 characters"},
	} {
		_, err := Parse(row.source)
		if row.want == "" && err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: error %v, want one with %q", row.name, err, row.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, source := range []string{
		"interest/tennis and (place/italy or interest/organic) and not bought/racket",
		"interest/* within 7d", `"within" within 1d`, "(a or b/*) within 3650d", "not not (a)", "a &", "\"a\n\"", "é\xff",
		"segment(x) then 3+ days", "a within 99999999999999999999d",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if err != nil {
			var own *Error
			if !errors.As(err, &own) || own.Message == "" {
				t.Fatalf("%q: error %T %v", source, err, err)
			}
			if len(source) <= MaxSource && (own.Line < 1 || own.Column < 1) {
				t.Fatalf("%q: error nowhere: %v", source, err)
			}
			return
		}
		again, err := Parse(e.String())
		if err != nil {
			t.Fatalf("%q: canonical text %q: %v", source, e, err)
		}
		if diff := same(e, again); diff != "" || again.String() != e.String() {
			t.Fatalf("%q: canonical text %q came back changed:\n%s", source, e, diff)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, labels := range []int{1, 10, 1000} {
		source := strings.Repeat("(interest/tennis or not place/italy within 7d) and ", labels-1) + "seen"
		b.Run(fmt.Sprintf("labels=%d", 2*labels-1), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
