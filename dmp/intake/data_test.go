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
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
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

// msnbcCSV turns the first users of msnbc into CSV, and counts the users of
// each label by itself.
func msnbcCSV(t *testing.T, users int) (csv []byte, want map[string]uint64, rows uint64) {
	lines := bufio.NewScanner(dataFile(t, "msnbc/msnbc990928.seq.gz"))
	lines.Buffer(nil, 1<<20)
	var names []string
	out := bytes.NewBufferString("user,label,time\n")
	want = map[string]uint64{}
	for n, user := 1, 0; lines.Scan() && user < users; n++ {
		fields := strings.Fields(lines.Text())
		if n == 3 {
			names = fields
		}
		if n <= 7 || len(fields) == 0 {
			continue
		}
		user++
		met := map[string]bool{"seen": true, "source/msnbc": true}
		for _, f := range fields {
			page, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(out, "%d,%s,1999-09-28\n", user, names[page-1])
			met[names[page-1]] = true
			rows++
		}
		for l := range met {
			want[l]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), want, rows
}

// TestMSNBC imports a day of a large site twice and compares every label's
// count with what the data set's page says, or for a part of it with a count by
// hand.
func TestMSNBC(t *testing.T) {
	users := 20_000
	if *wholeDay {
		users = 1 << 30
	}
	csv, want, rows := msnbcCSV(t, users)
	if *wholeDay && !maps.Equal(want, msnbcUsers) {
		t.Fatalf("counted by hand %v, the data set says %v", want, msnbcUsers)
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
				t.Errorf("round %d: %s has %d users, want %d", round+1, label, got, n)
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
		Rules: func(string) (func([]byte) []string, []string, error) {
			return func(path []byte) []string {
				if top, _, ok := strings.Cut(strings.TrimPrefix(string(path), "/"), "/"); ok {
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
	set, _, err := audience.Compile(view, e)
	if err != nil {
		t.Fatal(err)
	}
	n, err := audience.Count(context.Background(), audience.Permitted(set, view, permit.Count))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
