package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sosie/bench/replay"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
)

// realSite is the pixel over a store, on loopback, in this process.
type realSite struct {
	server
	url string
}

func openSite(t *testing.T, labels []string) *realSite {
	t.Helper()
	s := &realSite{}
	var err error
	if s.store, err = storage.Open(storage.Options{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	var specs []storage.LabelSpec
	for _, l := range labels {
		specs = append(specs, storage.LabelSpec{Name: l})
	}
	if _, err := s.store.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	if s.keys, err = identity.CreateKeys(filepath.Join(t.TempDir(), "keys"), s.store.ID()); err != nil {
		t.Fatal(err)
	}
	limits := pixel.DefaultLimits()
	limits.ClaimsPerHour = unlimited // all hosts share the loopback address
	s.pixel, err = pixel.New(pixel.Config{
		Sites:  []pixel.Site{{Key: "nasa", WithoutSignal: pixel.CollectWithoutSignal, Writes: []string{"page/*"}}},
		Limits: limits,
	}, s.keys, s.store, nil)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + listener.Addr().String()
	http, done := s.pixel.Server(), make(chan error, 1)
	go func() { done <- http.Serve(s.pixel.Listen(listener)) }()
	t.Cleanup(func() {
		if err := errors.Join(http.Shutdown(), <-done); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *realSite) count(ctx context.Context, expression string) (uint64, error) {
	if err := s.store.Sync(); err != nil {
		return 0, err
	}
	return count(ctx, s.store.View(), expression)
}

// nasaLog finds the real log, or skips the test.
func nasaLog(t *testing.T) string {
	t.Helper()
	roots := []string{os.Getenv("SOSIE_DATA")}
	for up := ".."; len(up) < 20; up = filepath.Join("..", up) {
		roots = append(roots, filepath.Join(up, "shared", "data"))
	}
	for _, root := range roots {
		if found, _ := filepath.Glob(filepath.Join(root, "nasa", "*.tsv.gz")); root != "" && len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("no access log: put the data sets at ../shared/data beside the project, or set SOSIE_DATA")
	return ""
}

// The main job on real input: every label and ten expressions count what a
// brute force over the log counts, and the exported files hold exactly the users
// whose cookies the browsers hold.
func TestReplayRealLog(t *testing.T) {
	log := nasaLog(t)
	visits, err := readVisits(log)
	if err != nil {
		t.Fatal(err)
	}
	site := openSite(t, replay.Labels(visits))
	if raceEnabled {
		visits = visits[:3000]
	}
	browsers := &replay.Browsers{URL: site.url, Site: "nasa", KeepCookies: true, Connections: 32}
	outcome, err := browsers.Visit(context.Background(), visits)
	if err != nil || outcome.Answers[200] != len(visits) {
		t.Fatalf("%v, %v", outcome.Answers, err)
	}
	people := replay.Expect(visits, true)
	for _, q := range append(labelQuestions(visits), replay.Questions()...) {
		got, err := site.count(context.Background(), q.Expression)
		if want := people.Count(q.Holds); err != nil || got != want {
			t.Errorf("%s: counted %d, the log says %d: %v", q.Expression, got, want, err)
		}
	}
	users := openJars(t, site, browsers.Jars(), people)
	for i, q := range replay.Questions() {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("export%d.csv", i))
		if _, err := site.export(context.Background(), q.Expression, path); err != nil {
			t.Fatal(err)
		}
		compareExport(t, site, path, q, users, people)
	}
}

// openJars opens every browser's cookie with the site's keys: a user's for the
// hosts that returned, a pending one for the others.
func openJars(t *testing.T, site *realSite, jars []replay.Jar, people replay.People) map[string]storage.Ordinal {
	t.Helper()
	users := map[string]storage.Ordinal{}
	owner := map[storage.Ordinal]string{}
	pending := 0
	for _, jar := range jars {
		value := []byte(jar.Cookies[pixel.CookieName])
		if people[jar.Host] == nil {
			var c identity.PendingCookie
			if err := site.keys.OpenPending(value, &c); err != nil {
				t.Errorf("host %s came once, its cookie is not a pending one: %v", jar.Host, err)
			}
			pending++
			continue
		}
		c, _, err := site.keys.OpenUser(value)
		if err != nil {
			t.Errorf("host %s returned, its cookie is not a user's: %v", jar.Host, err)
		}
		if other, twice := owner[c.Ordinal]; twice {
			t.Errorf("hosts %s and %s are both user %d", jar.Host, other, c.Ordinal)
		}
		users[jar.Host], owner[c.Ordinal] = c.Ordinal, jar.Host
	}
	if len(users) != len(people) || int(site.store.HighWater()) != len(people) {
		t.Errorf("%d cookies of users, %d ordinals, the log says %d", len(users), site.store.HighWater(), len(people))
	}
	if c := site.pixel.Counters(); c.Pending != uint64(len(jars)) || c.Claimed != uint64(len(people)) || pending != len(jars)-len(people) {
		t.Errorf("%d pending and %d claimed, jars of %d hosts, %d still pending", c.Pending, c.Claimed, len(jars), pending)
	}
	return users
}

// compareExport opens the names of a file and compares the users with those
// that the log says and the jars hold.
func compareExport(t *testing.T, site *realSite, path string, q replay.Question, users map[string]storage.Ordinal, people replay.People) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	names, err := site.keys.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []storage.Ordinal
	for i, line := range strings.Fields(string(text)) {
		u, err := names.Open([]byte(line))
		switch {
		case err == nil:
			got = append(got, u)
		case i > 0: // the first line may be a heading
			t.Fatalf("%s: line %d is no name: %v", q.Expression, i+1, err)
		}
	}
	for _, host := range people.Hosts(q.Holds) {
		want = append(want, users[host])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%s: %d users in the file, the log and the jars say %d", q.Expression, len(got), len(want))
	}
}

// Browsers that refuse cookies leave nothing: no user, no ordinal, no record.
func TestReplayWithoutCookiesStoresNothing(t *testing.T) {
	log := nasaLog(t)
	if raceEnabled {
		log = allFolders(t)
	}
	visits, err := readVisits(log)
	if err != nil {
		t.Fatal(err)
	}
	site := openSite(t, replay.Labels(visits))
	before, err := site.store.Status()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := ReplayOptions{Log: log, To: site.url, NoCookies: true, Connections: 32, Count: site.count}
	if err := Replay(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	after, err := site.store.Status()
	if err != nil {
		t.Fatal(err)
	}
	if site.store.HighWater() != 0 || after.Users != 0 || after.Log.Seq != before.Log.Seq {
		t.Errorf("%d ordinals, %d users, log from %d to %d", site.store.HighWater(), after.Users, before.Log.Seq, after.Log.Seq)
	}
	if c := site.pixel.Counters(); c.Stored != 0 || c.Pending != uint64(len(visits)) {
		t.Errorf("%d stored, %d pending", c.Stored, c.Pending)
	}
}

const littleLog = "1\ta\tGET\t/shuttle/\t200\t1\n2\tb\tGET\t/\t200\t1\n3\ta\tGET\t/\t200\t1\n"

// allFolders makes a log in which each label of the ten questions occurs once.
func allFolders(t *testing.T) string {
	t.Helper()
	text := littleLog
	for _, folder := range []string{"history", "elv", "facts", "htbin", "cgi-bin", "software", "procurement", "finance", "images"} {
		text += "9\tonce-" + folder + "\tGET\t/" + folder + "/\t200\t1\n"
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplayComparesAndFails(t *testing.T) {
	log := allFolders(t)
	var labels bytes.Buffer
	if err := Replay(context.Background(), ReplayOptions{Log: log, PrintLabels: true}, &labels); err != nil {
		t.Fatal(err)
	}
	site := openSite(t, strings.Fields(labels.String()))
	o := ReplayOptions{Log: log, To: site.url, Output: Output{JSON: true}, Count: site.count, Jars: filepath.Join(t.TempDir(), "jars")}
	var out bytes.Buffer
	if err := Replay(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, out.Bytes())["users, by brute force over the log"]; len(got) != 21 || got[len(got)-10]["counted"] != 1.0 {
		t.Errorf("rows %v", got)
	}
	if jars, err := os.ReadFile(o.Jars); err != nil || strings.Count(string(jars), "\n") != 11 {
		t.Errorf("jars %q, %v", jars, err)
	}
	if err := Replay(context.Background(), o, &out); !errors.Is(err, ErrDiffers) {
		t.Errorf("a second replay into the same store: %v", err)
	}
	o.Site = "unknown"
	if err := Replay(context.Background(), o, &out); !errors.Is(err, ErrLost) {
		t.Errorf("an unknown site: %v", err)
	}
}
