package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fence is a block of README: what kind it is, and its lines.
type fence struct {
	kind  string
	lines []string
}

func fences(text string) (all []fence) {
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		kind, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !open:
			all = append(all, fence{kind: kind})
			open = true
		case isFence:
			open = false
		case open:
			all[len(all)-1].lines = append(all[len(all)-1].lines, line)
		}
	}
	return all
}

// testCommand is README's line that runs the tests: what runs in them cannot run
// them again.
const testCommand = "bash .ci/test"

// TestReadmeCommands follows README literally on a fresh clone in an empty
// directory: the configuration file is written as it stands there, every shell
// command is given as it stands there, in order, and must succeed. Only the ports
// are others, since somebody may use them.
func TestReadmeCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: it builds the program anew")
	}
	r := &reader{t: t, dir: filepath.Join(t.TempDir(), "sosie"), ports: map[string]string{}}
	r.clone()
	text, err := os.ReadFile(filepath.Join(r.dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	commands := 0
	for _, f := range fences(string(text)) {
		switch f.kind {
		case "yaml":
			if !r.wrote { // the first is the configuration; others are parts of one
				r.write("sosie.yaml", strings.Join(f.lines, "\n")+"\n")
			}
		case "html":
			snippet, err := os.ReadFile(filepath.Join(r.dir, "pixel/tag/snippet.html"))
			if err != nil || strings.Join(f.lines, "\n")+"\n" != string(snippet) {
				t.Errorf("README's snippet is not the one that is tested: %v", err)
			}
		case "sh":
			for _, line := range joined(f.lines) {
				r.follow(line)
				commands++
			}
		}
	}
	if commands < 10 || r.server == nil {
		t.Errorf("README has %d commands, a server among them: %v", commands, r.server != nil)
	}
}

// joined puts lines that end in a backslash together with the next.
func joined(lines []string) (all []string) {
	var part string
	for _, line := range lines {
		if before, more := strings.CutSuffix(line, `\`); more {
			part += before
			continue
		}
		if line = strings.TrimSpace(part + line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
		part = ""
	}
	return all
}

// reader is a newcomer who has a clone and does what README says.
type reader struct {
	t      *testing.T
	dir    string
	ports  map[string]string // of README, to free ones
	wrote  bool
	server *exec.Cmd
	said   bytes.Buffer
}

// clone makes a fresh clone of the repository this test is in; where it is none,
// a copy of its files.
func (r *reader) clone() {
	root, err := filepath.Abs("../..")
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := exec.LookPath("git"); err == nil {
		if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
			out, err := exec.Command("git", "clone", "-q", root, r.dir).CombinedOutput()
			if err != nil {
				r.t.Fatalf("clone: %v: %s", err, out)
			}
			r.copy(root, "README.md") // as it stands here, committed or not
			return
		}
	}
	if err := os.CopyFS(r.dir, os.DirFS(root)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) copy(root, name string) {
	text, err := os.ReadFile(filepath.Join(root, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, name), text, 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) write(name, text string) {
	r.wrote = true
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(r.local(text)), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// follow gives a command. One that serves goes on in the background, as in a
// terminal of its own.
func (r *reader) follow(line string) {
	r.t.Helper()
	if line == testCommand {
		return
	}
	if program, _, _ := strings.Cut(line, " "); !strings.Contains(program, "/") {
		if _, err := exec.LookPath(program); err != nil {
			r.t.Logf("skipped, %s is not installed: %s", program, line)
			return
		}
	}
	start := time.Now()
	command := exec.Command("bash", "-e", "-o", "pipefail", "-c", r.local(line))
	command.Dir = r.dir
	if strings.HasPrefix(line, "./sosie serve ") && !strings.Contains(line, "--check") {
		r.serve(command)
		return
	}
	out, err := command.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s\nthe server says:\n%s", line, err, out, r.said.String())
	}
	r.t.Logf("%s: %.1f s\n%s", line, time.Since(start).Seconds(), out)
}

// serve starts the server and waits until it answers.
func (r *reader) serve(command *exec.Cmd) {
	r.t.Helper()
	command.Stdout, command.Stderr = &r.said, &r.said
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.server = command
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		// Not by a verb: before the server has the directory, a verb opens it itself.
		answer, err := http.Get(r.local("http://127.0.0.1:8080/healthz"))
		if err == nil {
			answer.Body.Close()
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("the server does not answer: %v\n%s", err, r.said.String())
		}
	}
}

func (r *reader) stop() {
	if r.server == nil {
		return
	}
	_ = syscall.Kill(-r.server.Process.Pid, syscall.SIGTERM)
	if err := r.server.Wait(); err != nil {
		r.t.Errorf("the server ends with %v:\n%s", err, r.said.String())
	}
}

// port is a port of this machine as README writes it.
var port = regexp.MustCompile(`\b(127\.0\.0\.1|localhost):(\d{4,5})\b`)

// local puts free ports in the place of README's.
func (r *reader) local(text string) string {
	return port.ReplaceAllStringFunc(text, func(address string) string {
		host, number, _ := strings.Cut(address, ":")
		if r.ports[number] == "" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				r.t.Fatal(err)
			}
			r.ports[number] = fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
			l.Close()
		}
		return host + ":" + r.ports[number]
	})
}
