package intake

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sosie/storage"
	"sosie/storage/block"
)

var crashRounds = flag.Int("crash-rounds", 1, "rounds of the crash test; the full proof takes 50")

const (
	crashDir  = "SOSIE_IMPORT_DIR"
	crashFile = "SOSIE_IMPORT_FILE"
)

// crashRequest asks for everything that must be decided before the first row:
// a shift, a declaration, labels.
func crashRequest() Request {
	return Request{Format: CSV, IDSpace: "crm", Consent: None, ShiftToNow: true, MaxLabels: 100}
}

// TestImportForCrash is the process that TestKilledImport kills.
func TestImportForCrash(t *testing.T) {
	if os.Getenv(crashDir) == "" {
		t.Skip("only the crash test starts it")
	}
	file, err := os.Open(os.Getenv(crashFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(storage.Options{Dir: os.Getenv(crashDir), Reserve: 1, CheckpointEvery: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	h := &House{Store: s, Dir: os.Getenv(crashDir), Clock: time.Now}
	if _, err := h.Import(context.Background(), crashRequest(), file, func(so Receipt) { fmt.Println("durable", so.Rows) }); err != nil {
		t.Fatal(err)
	}
	fmt.Println("done")
}

// TestKilledImport kills imports of one file at random moments, imports it once
// more, and finds what a clean import makes of it.
func TestKilledImport(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	text := bytes.NewBufferString(crmHead)
	rows := 150_000
	if raceEnabled {
		rows = 40_000
	}
	for range rows { // users come back all over the file
		fmt.Fprintf(text, "u%d,l/%d,2001-02-0%d\n", random.IntN(60_000), random.IntN(30), 1+random.IntN(9))
	}
	path := filepath.Join(t.TempDir(), "events.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	clean := house(t, time.Now)
	want := imported(t, clean, crashRequest(), text.Bytes())
	for round := range *crashRounds {
		dir := t.TempDir()
		kills := 1 + random.IntN(3)
		for range kills {
			killImport(t, dir, path, 1+random.IntN(rows/batchRows), time.Duration(random.IntN(20))*time.Millisecond)
		}
		h := openHouse(t, dir, time.Now)
		r := imported(t, h, crashRequest(), text.Bytes())
		if r.UsersNew+r.UsersKnown != want.UsersNew || r.Stored != want.Stored || r.ShiftDays != want.ShiftDays {
			t.Errorf("round %d: %+v, want the users and rows of %+v", round, r, want)
		}
		t.Logf("round %d: after %d kills %d users were known and %d new", round, kills, r.UsersKnown, r.UsersNew)
		for l := range 30 {
			for _, days := range []int{1, 5, 395} {
				compareRaw(t, clean, h, fmt.Sprintf("l/%d", l), days)
			}
		}
		compareRaw(t, clean, h, "seen", 395)
		if n := count(t, h, "seen"); n != 0 { // none of them may be counted
			t.Errorf("round %d: %d users without consent are counted", round, n)
		}
	}
}

// compareRaw compares the users of a label in two stores, whether or not they
// may be counted.
func compareRaw(t *testing.T, a, b *House, label string, days int) {
	t.Helper()
	if x, y := raw(t, a, label, days), raw(t, b, label, days); x != y {
		t.Errorf("%s within %d days: %d users, want %d", label, days, y, x)
	}
}

func raw(t *testing.T, h *House, label string, days int) (n int) {
	t.Helper()
	v, l := h.Store.View(), mustLookup(t, h, label)
	for chunk := range v.Chunks() {
		var words block.Words
		if err := v.OrDays(&words, chunk, l, v.Stamp().Day-storage.Day(days)+1, v.Stamp().Day); err != nil {
			t.Fatal(err)
		}
		n += words.Count()
	}
	return n
}

// killImport starts an import and kills it a moment after it told of a number
// of batches, if it is not done by then.
func killImport(t *testing.T, dir, file string, batches int, later time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^TestImportForCrash$")
	child.Env = append(os.Environ(), crashDir+"="+dir, crashFile+"="+file)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range batches {
		if !lines.Scan() || lines.Text() == "done" {
			break
		}
	}
	time.Sleep(later)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
}
