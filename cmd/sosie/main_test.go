package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sosie/storage"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sosie": main})
}

// TestScripts runs every verb as a process of its own. Besides testscript's
// commands the scripts know:
//
//	browse N SITE LABELS   N browsers hit the pixel at $ADDRESS twice each
//	ready                  wait until the server of the data directory answers
//	today FILE…            put the day of today where the files say TODAY
//	unpack FILE            show a .gz or .zst file
//	know DIR SPACE ID…     a user for each id in the closed store of DIR, seen today
//	pick N FILE NAME       put the N-th line of a file into $NAME
//	flip FILE              flip a bit in the middle of a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Setenv("ADDRESS", l.Addr().String())
			env.Setenv("SOSIE_OFFICE", "127.0.0.1:0")
			// Background servers must end on their own when a script is done.
			return l.Close()
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"browse": browse, "ready": ready, "unpack": unpack, "long": long, "know": know, "pick": pick, "flip": flip, "today": today,
		},
	})
}

func ready(ts *testscript.TestScript, _ bool, _ []string) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get("http://" + ts.Getenv("ADDRESS") + "/healthz")
		if err == nil {
			answer.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no server: %v", err)
		}
	}
}

func browse(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for range n {
		jar, err := cookiejar.New(nil)
		ts.Check(err)
		client := http.Client{Jar: jar}
		for range 2 {
			r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%s/p.gif?s=%s&l=%s", ts.Getenv("ADDRESS"), args[1], args[2]), nil)
			ts.Check(err)
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
			answer, err := client.Do(r)
			ts.Check(err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				ts.Fatalf("hit: %s", answer.Status)
			}
		}
	}
}

func know(ts *testscript.TestScript, _ bool, args []string) {
	// A program that another script starts meanwhile would inherit the lock of the
	// directory, for the moment between fork and exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	s, err := storage.Open(storage.Options{Dir: ts.MkAbs(args[0])})
	ts.Check(err)
	space, err := s.Space(args[1])
	ts.Check(err)
	var r storage.Records
	for _, id := range args[2:] {
		u, err := s.NewUser()
		ts.Check(err)
		today := storage.DayOf(time.Now())
		r.Hit(u, today)
		r.ID(space, []byte(id), u, today)
	}
	_, err = s.Append(&r)
	ts.Check(err)
	ts.Check(s.Close())
}

func pick(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Setenv(args[2], strings.Split(ts.ReadFile(args[1]), "\n")[n-1])
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	text, err := os.ReadFile(paths[0])
	ts.Check(err)
	text[len(text)/2] ^= 4
	ts.Check(os.WriteFile(paths[0], text, 0o600))
}

// long makes a directory whose path no socket address holds, and names it in
// $LONG.
func long(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.MkAbs(strings.Repeat("long/", 40) + "data")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Setenv("LONG", dir)
}

func today(ts *testscript.TestScript, _ bool, files []string) {
	for _, name := range files {
		text, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(strings.ReplaceAll(string(text), "TODAY", time.Now().UTC().Format(time.DateOnly))), 0o600))
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"version"}, 0, ""},
		{[]string{"nonsense"}, 2, "hint: `sosie --help`"},
		{[]string{"segment", "count"}, 2, "expected"},
		{[]string{"export", "seen"}, 2, "--out"},
		{[]string{"rule", "test", "/x"}, 2, "has no sites"},
		{[]string{"export", "seen", "--out", "users.pdf"}, 2, ".csv"},
		{[]string{"serve", "--memory", "lots"}, 2, "512MiB"},
		{[]string{"demo", "--users", "0"}, 2, "--users"},
		{[]string{"health", "--listen", "127.0.0.1:1"}, 1, "hint: Start the pixel"},
	} {
		var out, err strings.Builder
		if code := run(c.args, &out, &err); code != c.code || !strings.Contains(err.String(), c.says) {
			t.Errorf("%v: code %d, want %d; says %q, want %q", c.args, code, c.code, err.String(), c.says)
		}
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{"/tmp/a-b": "/tmp/a-b", "a b": "'a b'", "it's": `'it'\''s'`} {
		if got := quoted(word); got != want {
			t.Errorf("quoted(%q) = %s, want %s", word, got, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{":8080": "127.0.0.1:8080", "0.0.0.0:1": "127.0.0.1:1", "[::]:2": "[::1]:2", "10.0.0.1:3": "10.0.0.1:3"} {
		if got := reachable(listen); got != want {
			t.Errorf("reachable(%s) = %s, want %s", listen, got, want)
		}
	}
}
