package partner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wound is a clock that a test winds.
type wound struct{ now time.Time }

func (w *wound) Now() time.Time { return w.now }

func openTestReceipts(t *testing.T, dir string, clock *wound) *receipts {
	t.Helper()
	r, err := openReceipts(dir, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func idOf(key, body string) batchID {
	return identify("grant", []byte(key), "shop", false, false, []byte(body))
}

func keepOne(t *testing.T, r *receipts, clock *wound, id batchID, text string) {
	t.Helper()
	known, err := r.begin(id)
	if err == nil && known == nil {
		err = r.keep(id, clock.now, []byte(text))
	}
	if err != nil || known != nil {
		t.Fatalf("known %s, %v", known, err)
	}
}

func TestReceiptsLiveADay(t *testing.T) {
	dir, clock := t.TempDir(), &wound{time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)}
	r := openTestReceipts(t, dir, clock)
	keepOne(t, r, clock, idOf("a", "x"), `{"n":1}`)
	for _, step := range []time.Duration{time.Hour, 22 * time.Hour} {
		clock.now = clock.now.Add(step)
		again := openTestReceipts(t, dir, clock)
		if known, err := again.begin(idOf("a", "x")); err != nil || string(known) != `{"n":1}` {
			t.Errorf("%s later: %s, %v", step, known, err)
		}
		if _, err := again.begin(idOf("a", "y")); !errors.Is(err, errOtherBody) {
			t.Errorf("%s later, another body: %v", step, err)
		}
	}
	clock.now = clock.now.Add(61 * time.Minute) // a day and a minute
	keepOne(t, r, clock, idOf("a", "y"), `{"n":2}`)
	clock.now = clock.now.Add(time.Hour)
	keepOne(t, r, clock, idOf("b", "y"), `{"n":3}`)
	if files, err := os.ReadDir(filepath.Join(dir, receiptsDir)); err != nil || len(files) != 2 {
		t.Errorf("%v stay on disk, %v", files, err)
	}
	if len(r.byKey) != 2 || r.bytes["grant"] != 2*(len(`{"n":2}`)+receiptCost) {
		t.Errorf("%d receipts of %v bytes in memory", len(r.byKey), r.bytes)
	}
}

func TestReceiptCutOffByACrash(t *testing.T) {
	dir, clock := t.TempDir(), &wound{time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)}
	r := openTestReceipts(t, dir, clock)
	keepOne(t, r, clock, idOf("a", "x"), `{"n":1}`)
	keepOne(t, r, clock, idOf("b", "x"), `{"n":2}`)
	path := filepath.Join(dir, receiptsDir, "2026-11-24T12.ndjson")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	for round := range 2 { // the second time after something was written behind the cut
		again := openTestReceipts(t, dir, clock)
		if known, err := again.begin(idOf("a", "x")); err != nil || known == nil {
			t.Errorf("the whole one: %s, %v", known, err)
		}
		if known, err := again.begin(idOf("b", "x")); err != nil || known != nil {
			t.Errorf("the cut one: %s, %v", known, err)
		}
		again.cancel(idOf("b", "x"))
		if known, err := again.begin(idOf("c", "x")); err != nil || round == 1 && known == nil {
			t.Fatalf("one written behind the cut: %s, %v", known, err)
		} else if known == nil {
			if err := again.keep(idOf("c", "x"), clock.now, []byte(`{"n":3}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A write that fails half way costs the receipt that it was of, and no other.
func TestReceiptTornByAFailedWrite(t *testing.T) {
	dir, clock := t.TempDir(), &wound{time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)}
	r := openTestReceipts(t, dir, clock)
	keepOne(t, r, clock, idOf("a", "x"), `{"n":1}`)
	whole := r.file
	defer whole.Close()
	if _, err := whole.WriteString(`{"grant":"grant","key":"00`); err != nil { // the half that was written
		t.Fatal(err)
	}
	var err error
	if r.file, err = os.Open(whole.Name()); err != nil { // takes no other half
		t.Fatal(err)
	}
	if _, err := r.begin(idOf("b", "x")); err != nil {
		t.Fatal(err)
	}
	if err := r.keep(idOf("b", "x"), clock.now, []byte(`{"n":2}`)); err == nil {
		t.Fatal("a receipt was kept that could not be written")
	}
	r.cancel(idOf("b", "x"))
	if r.file != nil { // what can be written to again would go on in the same line
		r.file = whole
	}
	keepOne(t, r, clock, idOf("c", "x"), `{"n":3}`)
	again := openTestReceipts(t, dir, clock)
	for key, want := range map[string]string{"a": `{"n":1}`, "b": "", "c": `{"n":3}`} {
		if known, err := again.begin(idOf(key, "x")); err != nil || string(known) != want {
			t.Errorf("after a restart %s has the receipt %q, %v, want %q", key, known, err, want)
		}
	}
}

func TestOneBatchOfAKeyAtATime(t *testing.T) {
	clock := &wound{time.Now()}
	r := openTestReceipts(t, t.TempDir(), clock)
	if _, err := r.begin(idOf("a", "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.begin(idOf("a", "x")); !errors.Is(err, errUnderWay) {
		t.Errorf("a second at the same time: %v", err)
	}
	r.cancel(idOf("a", "x"))
	keepOne(t, r, clock, idOf("a", "x"), `{}`)
}

// A grant that has used up its receipts gets no more, costs no other grant any, and
// is let in again when they have become too old.
func TestReceiptsAreBounded(t *testing.T) {
	dir, clock := t.TempDir(), &wound{time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)}
	r := openTestReceipts(t, dir, clock)
	text := `"` + strings.Repeat("x", 1<<19) + `"`
	keys := 0
	for ; keys < 1000; keys++ {
		id := idOf(fmt.Sprint(keys), "x")
		if _, err := r.begin(id); errors.Is(err, errReceiptsFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if err := r.keep(id, clock.now, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if want := maxReceiptBytes/(len(text)+receiptCost) + 1; keys != want {
		t.Errorf("%d receipts were kept, want %d", keys, want)
	}
	other := identify("other", []byte("0"), "shop", false, false, []byte("x"))
	keepOne(t, r, clock, other, `{}`)
	if known, err := r.begin(idOf("0", "x")); err != nil || known == nil {
		t.Errorf("a known one: %d bytes, %v", len(known), err)
	}
	clock.now = clock.now.Add(time.Hour)
	again := openTestReceipts(t, dir, clock) // as after a restart
	for name, r := range map[string]*receipts{"the same": r, "after a restart": again} {
		if _, err := r.begin(idOf("late", "x")); !errors.Is(err, errReceiptsFull) {
			t.Errorf("%s: one more: %v", name, err)
		}
	}
	clock.now = clock.now.Add(ReceiptLife)
	for name, r := range map[string]*receipts{"the same": r, "after a restart": again} {
		if _, err := r.begin(idOf("late", "x")); err != nil || len(r.byKey) != 0 || len(r.bytes) != 0 {
			t.Errorf("%s, a day later: %v, %d receipts of %v bytes in memory", name, err, len(r.byKey), r.bytes)
		}
	}
}
