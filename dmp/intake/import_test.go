package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sosie/storage"
)

// noon is the fixed clock of tests, on 2026-03-10 unless moved.
type noon struct{ days atomic.Int64 }

func (n *noon) Now() time.Time {
	return time.Date(2026, 3, 10+int(n.days.Load()), 12, 0, 0, 0, time.UTC)
}

const crmHead = "user,label,time\n"

func crm() Request {
	return Request{Format: CSV, IDSpace: "crm", MaxLabels: 100, MaxErrors: 100}
}

// TestReceipt: every row is counted once, as what it is.
func TestReceipt(t *testing.T) {
	h := house(t, new(noon).Now)
	if _, err := h.Store.Declare(storage.LabelSpec{Name: "short", Retention: 10}, storage.LabelSpec{Name: "signed", Signed: true}); err != nil {
		t.Fatal(err)
	}
	file := crmHead + strings.Join([]string{
		"a,Interest/Tennis,2026-03-10", "a,interest/tennis,2026-03-10", "b,interest/tennis,2026-03-11", "a,signed,2026-03-01", // stored
		"c,short,2026-02-28", "d,interest/golf,2025-02-08", "e,short,2020-01-01", // expired
		"a,seen,2026-03-10", "a,site/shop,2026-03-10", "a,source/crm,2026-03-10", "a,no way,2026-03-10", "a,,2026-03-10", // malformed
		",interest/tennis,2026-03-10", "a,interest/tennis,2026-03-12", "a\x01,interest/tennis,2026-03-10", strings.Repeat("x", 257) + ",interest/tennis,2026-03-10",
		"c,short,2026-03-01", // stored: the first of ten days
	}, "\n")
	r := imported(t, h, crm(), []byte(file))
	if r.Rows != 17 || r.Stored != 5 || r.Expired != 3 || r.Malformed != 9 || r.UsersNew != 3 || r.UsersKnown != 0 || r.LabelsNew != 1 || r.Undeclared != 0 {
		t.Errorf("receipt %+v", r)
	}
	var reasons []string
	for _, bad := range r.Errors {
		reasons = append(reasons, bad.Error())
	}
	for i, want := range []string{"line 9: label seen is reserved", "line 10: label site/shop is reserved", "line 11: label source/crm is reserved",
		"line 12: the label's name is none", "line 13: the label is empty", "line 14: the user is empty", "line 15: its day, 2026-03-12, lies in the future",
		"line 16: the user's id holds a control character", "line 17: the user's id has 257 bytes"} {
		if i >= len(reasons) || !strings.HasPrefix(reasons[i], want) {
			t.Errorf("reasons %q, want %q as number %d", reasons, want, i)
		}
	}
	for expression, want := range map[string]uint64{"seen": 2, "source/crm": 2, "interest/tennis": 1, "signed": 1, "short": 1} {
		if got := count(t, h, expression); got != want { // b is of tomorrow
			t.Errorf("%s: %d users, want %d", expression, got, want)
		}
	}
	if _, known := h.Store.Labels().Lookup("interest/golf"); known {
		t.Error("a label all of whose rows have expired was declared")
	}
	spec := h.Store.Labels().Spec(mustLookup(t, h, "signed"))
	if q := crm(); true {
		q.Origin, q.Provider = "third", "acme"
		imported(t, h, q, []byte(crmHead+"a,signed,2026-03-10\na,acme/rich,2026-03-10"))
	}
	if again := h.Store.Labels().Spec(mustLookup(t, h, "signed")); again.Origin != spec.Origin || !again.Signed {
		t.Errorf("an import changed a label to %+v", again)
	}
	if fresh := h.Store.Labels().Spec(mustLookup(t, h, "acme/rich")); fresh.Origin != storage.ThirdParty || fresh.Provider != "acme" {
		t.Errorf("a new label is %+v", fresh)
	}
}

func mustLookup(t *testing.T, h *House, name string) storage.Label {
	t.Helper()
	l, ok := h.Store.Labels().Lookup(name)
	if !ok {
		t.Fatalf("%s is not declared", name)
	}
	return l
}

func TestDeclaredOnly(t *testing.T) {
	h := house(t, new(noon).Now)
	if _, err := h.Store.Declare(storage.LabelSpec{Name: "known"}); err != nil {
		t.Fatal(err)
	}
	q := crm()
	q.DeclaredOnly = true
	var file strings.Builder
	file.WriteString(crmHead)
	for i := range 50 {
		fmt.Fprintf(&file, "a,known,2026-03-10\nb,new/%d,2026-03-10\n", i)
	}
	r := imported(t, h, q, []byte(file.String()))
	if r.Stored != 50 || r.Undeclared != 50 || len(r.UndeclaredLabels) != keptLabels || r.UsersNew != 1 || r.LabelsNew != 0 {
		t.Errorf("receipt %+v", r)
	}
	q.DeclaredOnly, q.MaxLabels = false, 49
	if _, err := h.Import(context.Background(), q, strings.NewReader(file.String()), nil); !errors.Is(err, ErrTooManyLabels) {
		t.Errorf("50 labels of 49: %v", err)
	}
	q.MaxLabels = 50
	if r := imported(t, h, q, []byte(file.String())); r.LabelsNew != 50 || r.Stored != 100 {
		t.Errorf("50 labels of 50: %+v", r)
	}
}

func TestTooManyBad(t *testing.T) {
	h := house(t, new(noon).Now)
	q := crm()
	q.MaxErrors = 2
	file := crmHead + "a,l,2026-03-10\nx\nx\n"
	if r := imported(t, h, q, []byte(file)); r.Malformed != 2 || r.Stored != 1 {
		t.Errorf("two of two: %+v", r)
	}
	r, err := h.Import(context.Background(), q, strings.NewReader(file+"b,l,2026-03-10\nx\nc,l,2026-03-10\n"), nil)
	if !errors.Is(err, ErrTooManyBad) || r.Malformed != 3 || r.Stored != 2 || len(r.Errors) != 3 || r.Failed == "" {
		t.Errorf("three of two: %+v, %v", r, err)
	}
	if got := count(t, h, "l"); got != 2 {
		t.Errorf("%d users of the rows before", got)
	}
}

// TestLongIDs: however much a batch holds, it fits the log.
func TestLongIDs(t *testing.T) {
	h := house(t, new(noon).Now)
	file := bytes.NewBufferString(crmHead)
	for i := range 2 * batchRows {
		fmt.Fprintf(file, "%0256d,l,2026-03-10\n", i)
	}
	if r := imported(t, h, crm(), file.Bytes()); r.UsersNew != 2*batchRows || count(t, h, "l") != 2*batchRows {
		t.Errorf("receipt %+v", r)
	}
}

// TestShift: a historic file ends today, and a repetition on a later day, packed
// otherwise, moves nothing.
func TestShift(t *testing.T) {
	clock := new(noon)
	h := house(t, clock.Now)
	text := []byte(crmHead + "a,l,1999-09-27\nb,l,1999-09-28\nc,l,1998-01-01\nd,l,2999-01-01\n")
	q := crm()
	q.ShiftToNow = true
	expect := func(when string, r Receipt, todays, yesterdays, expired uint64) {
		t.Helper()
		if r.Expired != expired || r.Malformed != 1 || r.ShiftDays != 9660 {
			t.Errorf("%s: %+v", when, r)
		}
		for expression, want := range map[string]uint64{"l within 1d": todays, "l within 2d": todays + yesterdays, "l": 2} {
			if got := count(t, h, expression); got != want {
				t.Errorf("%s: %s: %d users, want %d", when, expression, got, want)
			}
		}
	}
	expect("first", imported(t, h, q, text), 1, 1, 1)
	clock.days.Store(1)
	if err := h.Store.Sync(); err != nil {
		t.Fatal(err)
	}
	for name, file := range pack(t, text) {
		r, err := h.Import(context.Background(), q, io.MultiReader(bytes.NewReader(file)), nil) // through a pipe
		if err != nil {
			t.Fatal(err)
		}
		if r.UsersNew != 0 || r.UsersKnown != 2 {
			t.Errorf("%s: %+v", name, r)
		}
		expect(name, r, 0, 1, 1)
	}
	if r := imported(t, h, q, []byte(crmHead)); r.Rows != 0 || r.ShiftDays != 0 {
		t.Errorf("an empty file: %+v", r)
	}
}

// TestConsent: a user counts when every source that brought him permits it, as
// of its last word.
func TestConsent(t *testing.T) {
	h := house(t, new(noon).Now)
	bring := func(source, consent, users string) {
		q := Request{Format: CSV, IDSpace: "crm", Source: source, Consent: consent, MaxLabels: 10}
		file := crmHead
		for _, u := range users {
			file += fmt.Sprintf("%c,l,2026-03-10\n", u)
		}
		imported(t, h, q, []byte(file))
	}
	for i, step := range []struct {
		source, consent, users string
		want                   uint64
	}{
		{"one", Permitted, "ab", 2},
		{"two", None, "bc", 1},       // b was brought by one, and two refuses
		{"two", None, "bc", 1},       // again
		{"one", Permitted, "abc", 1}, // one has no say in what two refuses
		{"two", Permitted, "b", 2},   // two takes it back for b
		{"two", "", "abc", 3},
		{"three", None, "c", 2},
		{"three", Permitted, "c", 2}, // two labels c and has refused: to be safe, c stays out
		{"two", Permitted, "c", 2},   // three labels c and has refused
		{"four", None, "a", 1},
		{"one", Permitted, "a", 1},
	} {
		bring(step.source, step.consent, step.users)
		if got := count(t, h, "seen"); got != step.want {
			t.Errorf("step %d: %d users may be counted, want %d", i, got, step.want)
		}
	}
	n := 0
	for range h.Store.Documents().List(documentKind) {
		n++
	}
	if n != 11 {
		t.Errorf("%d imports are recorded", n)
	}
}

// TestRandomImports compares random files, imported in random order and cut,
// repeated, and in several id spaces, with plain maps.
func TestRandomImports(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	clock := new(noon)
	dir := t.TempDir()
	h := openHouse(t, dir, clock.Now)
	h.turnIDs = 1 + random.IntN(3000)
	model := map[string]map[string]map[storage.Day]bool{} // user, label, day
	today := storage.DayOf(clock.Now())
	rounds, most := 6, 40_000
	if raceEnabled {
		rounds, most = 3, 8_000
	}
	for round := range rounds {
		space := []string{"x", "y"}[random.IntN(2)]
		if round < 2 { // both occur
			space = []string{"x", "y"}[round]
		}
		var file strings.Builder
		file.WriteString(crmHead)
		lines := 1 + random.IntN(most)
		for range lines {
			user, label, day := fmt.Sprint(random.IntN(1+random.IntN(5_000))), fmt.Sprintf("l/%d", random.IntN(1+random.IntN(40))), today-storage.Day(11*random.IntN(37))
			fmt.Fprintf(&file, "%s,%s,%s\n", user, label, day)
			if day <= today-storage.DefaultRetention {
				continue
			}
			labels := model[space+" "+user]
			if labels == nil {
				labels = map[string]map[storage.Day]bool{}
				model[space+" "+user] = labels
			}
			for _, l := range []string{label, "seen", "source/" + space} {
				if labels[l] == nil {
					labels[l] = map[storage.Day]bool{}
				}
				labels[l][day] = true
			}
		}
		text := []byte(file.String())
		q := Request{Format: CSV, IDSpace: space, MaxLabels: 100}
		if random.IntN(2) == 0 { // cut somewhere first
			ctx, cancel := context.WithCancel(context.Background())
			_, err := h.Import(ctx, q, bytes.NewReader(text), func(Receipt) { cancel() })
			if cancel(); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		for range 1 + random.IntN(2) {
			if r := imported(t, h, q, text); r.Rows != uint64(lines) || r.Stored+r.Expired != r.Rows {
				t.Fatalf("round %d: %+v", round, r)
			}
		}
	}
	for _, label := range []string{"seen", "source/x", "source/y", "l/0", "l/1", "l/17"} {
		for _, days := range []int{0, 1, 30, 365} {
			want := uint64(0)
			for _, labels := range model {
				if slices.ContainsFunc(slices.Collect(maps.Keys(labels[label])), func(d storage.Day) bool { return days == 0 || d > today-storage.Day(days) }) {
					want++
				}
			}
			expression := label
			if days > 0 {
				expression = fmt.Sprintf("%s within %dd", label, days)
			}
			if got := count(t, h, expression); got != want {
				t.Errorf("%s: %d users, want %d", expression, got, want)
			}
		}
	}
}
