package dump_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sosie/storage"
	"sosie/storage/dump"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden dump")

// TestGoldenDumpIsStillRestored keeps every later version able to restore what
// this one dumped.
func TestGoldenDumpIsStillRestored(t *testing.T) {
	golden, answers := filepath.Join("testdata", "v1"), filepath.Join("testdata", "v1.answers")
	if *rewrite {
		must(t, os.RemoveAll(golden))
		writeGolden(t, golden)
	}
	back, _ := restored(t, golden, noon, 0)
	got := strings.Join(described(t, back), "\n") + "\n"
	if *rewrite {
		must(t, os.WriteFile(answers, []byte(got), 0o644))
	}
	want, err := os.ReadFile(answers)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the golden dump is restored otherwise (-want +got):\n%s", d)
	}
}

func writeGolden(t *testing.T, dir string) {
	h := open(t, t.TempDir(), noon, 0)
	labels, err := h.Declare(storage.LabelSpec{Name: "interest/tennis", Retention: 30}, storage.LabelSpec{Name: "a/../b", Origin: storage.ThirdParty, Provider: "acme", Signed: true})
	_, passErr := h.Declare(storage.LabelSpec{Name: "passing"})
	_, siteErr := h.DeclareSite("shop")
	must(t, passErr)
	space, spaceErr := h.Space("crm")
	must(t, err, siteErr, spaceErr)
	var rec storage.Records
	for u := range storage.Ordinal(4100) { // enough for a bitmap
		rec.Hit(u, h.day(), labels[0])
	}
	rec.Hit(70_000, h.day()-3, labels...)
	rec.Hit(5, h.day(), 3) // a label that will be deleted, and declared anew
	rec.Mask(storage.OptedOut, 1, true)
	rec.Mask(storage.Robot, 70_000, true)
	rec.Mask(storage.Erased, 2, true)
	rec.ID(space, []byte("customer-1"), 1, h.day()-1)
	rec.ID(space, []byte("customer-1"), 3, h.day())
	rec.ID(space, []byte{0xff, 0}, 70_000, h.day())
	_, err = h.Append(&rec)
	must(t, err, h.Sync())
	_, err = h.Declare(storage.LabelSpec{Name: "interest/tennis", Retention: 40}) // leaves a floor
	must(t, err)
	must(t, h.DeleteLabel("passing"))
	_, err = h.Declare(storage.LabelSpec{Name: "passing"})
	must(t, err)
	must(t, h.Documents().Edit(func(e *storage.Edit) error {
		if err := e.Put("segment", "players", []byte(`{"expression":"interest/tennis"}`)); err != nil {
			return err
		}
		return e.Put("import", "of a file", []byte{1, 0xff})
	}))
	_, err = dump.Write(t.Context(), h.Store, dir, dump.Options{Product: "sosie 0.1.0"})
	must(t, err)
}
