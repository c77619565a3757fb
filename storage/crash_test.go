package storage

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var crashStride = flag.Int("crash-stride", 9, "crash at every n-th step on disk; the full proof takes 1")

// The crash test runs a history in a process of its own that kills itself, with
// SIGKILL, at the n-th step on disk, and compares what is then on disk with the
// model of what had been acknowledged.

const (
	crashDir  = "SOSIE_CRASH_DIR"
	crashSeed = "SOSIE_CRASH_SEED"
	crashAt   = "SOSIE_CRASH_AT"

	crashSteps = 60 // of a history
)

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(crashDir) != "" {
		if err := runUntilCrash(); err != nil {
			fmt.Println("error", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runUntilCrash prints "done i" after each step of the history.
func runUntilCrash() error {
	seed, _ := strconv.ParseUint(os.Getenv(crashSeed), 10, 64)
	at, _ := strconv.Atoi(os.Getenv(crashAt))
	clock := newTestClock()
	steps := drawHistory(seed, clock, crashSteps)
	taken := 0
	s, err := Open(Options{Dir: os.Getenv(crashDir), Clock: clock.Now, Reserve: 1, settle: int(1 + 100*(seed%2)), step: func(string) error {
		if taken++; taken == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	for i, step := range steps {
		if err := step.apply(s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, step.name, err)
		}
		fmt.Println("done", i)
	}
	return s.Close()
}

func TestCrashAtEveryStepOnDisk(t *testing.T) {
	for seed := range uint64(2) {
		for at, crashed := 1, true; crashed; at += *crashStride {
			crashed = crashOnce(t, seed, at)
		}
	}
}

// crashOnce reports whether the process reached the n-th step and so died.
func crashOnce(t *testing.T, seed uint64, at int) bool {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint(crashSeed, "=", seed), fmt.Sprint(crashAt, "=", at))
	out, err := child.Output()
	crashed := err != nil
	clock := newTestClock()
	steps := drawHistory(seed, clock, crashSteps)
	m := newModel(clock)
	done := 0
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "error "); ok {
			t.Fatalf("seed %d: %s", seed, text)
		}
		done++
	}
	for _, step := range steps[:done] {
		step.model(m)
		if step.name == "advance" { // moves only the clock
			if err := step.apply(nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := openTest(t, Options{Dir: dir, Clock: clock.Now})
	t.Run(fmt.Sprintf("seed=%d,at=%d", seed, at), func(t *testing.T) {
		inFlight := done < len(steps) && (steps[done].name == "hit" || steps[done].name == "mask" || steps[done].name == "id" || steps[done].name == "declare" || steps[done].name == "document" || steps[done].name == "delete label")
		if inFlight { // durable or not: both are right for what was not acknowledged
			t.Skip("the process died in an append")
		}
		m.compare(t, s, 0, rand.New(rand.NewPCG(seed, uint64(at))))
		if err := s.Seal(); err != nil {
			t.Fatal(err)
		}
		m.compare(t, s, 0, rand.New(rand.NewPCG(seed, uint64(at))))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return crashed
}
