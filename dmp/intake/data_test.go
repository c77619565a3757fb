package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/pixel/rules"
	"sosie/storage"
)

var wholeDay = flag.Bool("msnbc", false, "import all of msnbc, twice, and print how long it took; otherwise 20,000 users of it")

// dataFile opens a file of the data sets, unpacked, or skips the test.
func dataFile(t *testing.T, name string) io.Reader {
	t.Helper()
	for _, root := range []string{os.Getenv("SOSIE_DATA"), "../../../shared/data"} {
		if root == "" {
			continue
		}
		packed, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Skipf("no %s: put the data sets at ../shared/data beside the project, or set SOSIE_DATA", name)
	return nil
}

// msnbcUsers are the users of each label, as the data set's own page counts
// them.
var msnbcUsers = map[string]uint64{
	"frontpage": 313_181, "on-air": 217_101, "news": 175_286, "tech": 121_948, "local": 121_719, "sports": 119_138,
	"business": 112_183, "weather": 95_615, "msn-news": 90_192, "misc": 80_514, "msn-sports": 76_948, "living": 57_597,
	"health": 50_606, "summary": 29_200, "opinion": 24_987, "travel": 11_006, "bbs": 2_082,
	"seen": 989_818, "source/msnbc": 989_818,
}

// msnbcCSV turns the first users of msnbc into CSV. It also returns the names
// of the labels, and for each user which of them it has, by bit.
func msnbcCSV(t *testing.T, users int) (csv []byte, names []string, people []uint32, rows uint64) {
	lines := bufio.NewScanner(dataFile(t, "msnbc/msnbc990928.seq.gz"))
	lines.Buffer(nil, 1<<20)
	out := bytes.NewBufferString("user,label,time\n")
	for n := 1; lines.Scan() && len(people) < users; n++ {
		fields := strings.Fields(lines.Text())
		if n == 3 {
			names = fields
		}
		if n <= 7 || len(fields) == 0 {
			continue
		}
		has := uint32(0)
		for _, f := range fields {
			page, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(out, "%d,%s,1999-09-28\n", len(people)+1, names[page-1])
			has |= 1 << (page - 1)
			rows++
		}
		people = append(people, has)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), names, people, rows
}

// holds counts the people a condition holds for.
func holds(people []uint32, condition func(has uint32) bool) (n uint64) {
	for _, has := range people {
		if condition(has) {
			n++
		}
	}
	return n
}

// randomExpression makes an expression over labels, and the same in plain code.
func randomExpression(random *rand.Rand, names []string, depth int) (string, func(has uint32) bool) {
	if depth == 0 {
		l := random.IntN(len(names))
		return names[l], func(has uint32) bool { return has>>l&1 != 0 }
	}
	a, ofA := randomExpression(random, names, random.IntN(depth))
	b, ofB := randomExpression(random, names, random.IntN(depth))
	switch random.IntN(3) {
	case 0:
		return "(" + a + " and " + b + ")", func(has uint32) bool { return ofA(has) && ofB(has) }
	case 1:
		return "(" + a + " or " + b + ")", func(has uint32) bool { return ofA(has) || ofB(has) }
	default:
		return "not (" + a + ")", func(has uint32) bool { return !ofA(has) }
	}
}

// TestMSNBC imports a day of a large site twice and compares every label's
// count, and random expressions, with a count by hand, and the whole day also
// with what the data set's page says.
func TestMSNBC(t *testing.T) {
	users := 20_000
	if raceEnabled {
		users = 2_000
	}
	if *wholeDay {
		users = 1 << 30
	}
	csv, names, people, rows := msnbcCSV(t, users)
	want := map[string]uint64{"seen": uint64(len(people)), "source/msnbc": uint64(len(people))}
	for l, name := range names {
		want[name] = holds(people, func(has uint32) bool { return has>>l&1 != 0 })
	}
	if *wholeDay && !maps.Equal(want, msnbcUsers) {
		t.Fatalf("counted by hand %v, the data set says %v", want, msnbcUsers)
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	for range 30 {
		expression, condition := randomExpression(random, names, 5)
		want[expression] = holds(people, condition)
	}
	h := house(t, time.Now)
	q := Request{Format: CSV, IDSpace: "msnbc", ShiftToNow: true, MaxLabels: DefaultMaxLabels}
	for round, known := range []bool{false, true} {
		begun := time.Now()
		r := imported(t, h, q, csv)
		t.Logf("round %d: %d rows in %s", round+1, r.Rows, time.Since(begun).Round(time.Millisecond))
		if r.Rows != rows || r.Stored != rows || r.UsersNew+r.UsersKnown != want["seen"] || (r.UsersNew == 0) != known || (r.UsersKnown == 0) == known {
			t.Errorf("round %d: receipt %+v", round+1, r)
		}
		for label, n := range want {
			if got := count(t, h, label); got != n {
				t.Errorf("round %d, seed %d: %s has %d users, want %d", round+1, seed, label, got, n)
			}
		}
	}
}

// TestMSWeb imports two files that use the same ids for different people.
func TestMSWeb(t *testing.T) {
	h := house(t, time.Now)
	type tag struct{ space, user, label string }
	tags := map[tag]bool{}
	visits := map[string]uint64{}
	for space, file := range map[string]string{"train": "msweb/anonymous-msweb.data.gz", "test": "msweb/anonymous-msweb.test.gz"} {
		csv := bytes.NewBufferString("time,user,label\n")
		lines, user := bufio.NewScanner(dataFile(t, file)), ""
		for lines.Scan() {
			fields := strings.Split(lines.Text(), ",")
			switch fields[0] {
			case "C":
				user = fields[2]
			case "V":
				fmt.Fprintf(csv, "%s,%s,area/%s\n", time.Now().UTC().Format(time.RFC3339), user, fields[1])
				tags[tag{space, user, "area/" + fields[1]}] = true
				visits[space]++
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		if r := imported(t, h, Request{Format: CSV, IDSpace: "msweb/" + space, MaxLabels: 300}, csv.Bytes()); r.Stored != visits[space] {
			t.Errorf("%s: receipt %+v", space, r)
		}
	}
	if visits["train"] != 98_654 || visits["test"] != 15_191 {
		t.Errorf("visits %v", visits)
	}
	for space, want := range map[string]uint64{"train": 32_711, "test": 5_000} {
		if got := count(t, h, "source/msweb/"+space); got != want {
			t.Errorf("%s: %d users, want %d", space, got, want)
		}
	}
	if got := count(t, h, "seen"); got != 37_711 {
		t.Errorf("%d users, want the sum of both", got)
	}
	users := map[string]uint64{}
	for k := range tags {
		users[k.label]++
	}
	if len(users) < 285 {
		t.Errorf("%d areas", len(users))
	}
	for label, want := range users {
		if got := count(t, h, label); got != want {
			t.Errorf("%s: %d users, want %d", label, got, want)
		}
	}
}

// TestNASA imports a web server's log, written down as such logs are, twice on
// two days, and compares it with a count by hand.
func TestNASA(t *testing.T) {
	lines := bufio.NewScanner(dataFile(t, "nasa/events_pseudonymised.tsv.gz"))
	lines.Buffer(nil, 1<<20)
	var log bytes.Buffer
	hosts, rows, views := map[string]map[string]bool{"seen": {}}, uint64(0), uint64(0)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 6 || strings.HasPrefix(f[0], "#") {
			continue
		}
		seconds, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue // a header
		}
		target := strings.NewReplacer(`\`, `\\`, `"`, `\"`, " ", "%20").Replace(f[3])
		fmt.Fprintf(&log, "%s - - [%s] \"%s %s HTTP/1.0\" %s %s\n", f[1], time.Unix(seconds, 0).In(time.FixedZone("", -4*3600)).Format(accessLogTime), f[2], target, f[4], f[5])
		rows++
		if f[2] != "GET" || f[4][0] != '2' && f[4] != "304" || !strings.HasPrefix(target, "/") {
			continue
		}
		views++
		hosts["seen"][f[1]] = true
		path, _, _ := strings.Cut(target, "?")
		if top, _, ok := strings.Cut(path[1:], "/"); ok && storage.ValidLabelName(top) {
			if hosts["page/"+top] == nil {
				hosts["page/"+top] = map[string]bool{}
			}
			hosts["page/"+top][f[1]] = true
		}
	}
	if rows != 30_969 {
		t.Fatalf("%d requests", rows)
	}
	clock := &noon{}
	h := house(t, clock.Now)
	for label := range hosts {
		if label != "seen" {
			if _, err := h.Store.Declare(storage.LabelSpec{Name: label}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		r := imported(t, h, Request{Format: AccessLog, Site: "ksc", ShiftToNow: true}, log.Bytes())
		if r.Rows != rows || r.Stored != views || r.Skipped != rows-views || r.Malformed != 0 || r.UsersNew+r.UsersKnown != uint64(len(hosts["seen"])) {
			t.Errorf("receipt %+v, want %d views", r, views)
		}
		for label, of := range hosts {
			if got := count(t, h, label); got != uint64(len(of)) {
				t.Errorf("%s: %d users, want %d", label, got, len(of))
			}
		}
		clock.days.Add(1)
	}
}

// house is a store of its own with nothing around it.
func house(t testing.TB, clock func() time.Time) *House {
	t.Helper()
	return openHouse(t, t.TempDir(), clock)
}

func openHouse(t testing.TB, dir string, clock func() time.Time) *House {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: dir, Clock: clock, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &House{
		Store: s, Dir: dir, Clock: clock,
		Robot: func(agent []byte) bool { return bytes.Contains(agent, []byte("bot")) },
		Clients: func(checksum string) (func([]byte) []byte, error) {
			return func(address []byte) []byte { return []byte(checksum[:8] + " " + string(address)) }, nil
		},
		Rules: func(string) (func(*rules.Page) []string, []string, error) {
			return func(p *rules.Page) []string {
				if top, _, ok := strings.Cut(strings.TrimPrefix(string(p.Path), "/"), "/"); ok {
					return []string{"page/" + top}
				}
				return nil
			}, []string{}, nil
		},
	}
}

// imported imports a file, which must end well.
func imported(t testing.TB, h *House, q Request, file []byte) Receipt {
	t.Helper()
	r, err := h.Import(context.Background(), q, bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// count counts the users of an expression.
func count(t testing.TB, h *House, expression string) uint64 {
	t.Helper()
	e, err := audience.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Store.Sync(); err != nil {
		t.Fatal(err)
	}
	view := h.Store.View()
	set, _, err := audience.Compile(view, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := audience.Count(context.Background(), audience.Permitted(set, view, permit.Count))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
