package dmp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sosie/storage"
)

func TestDiagnosisBoard(t *testing.T) {
	d := Diagnosis{Data: "sosie-data", Running: true, Report: storage.Report{Checks: []storage.Check{
		{Name: "files", Checked: "12 files", Notes: []string{"log/00001.mem: 7 bytes after the last whole write"}},
		{Name: "values", Checked: "9 keys", More: 3, Problems: []storage.Problem{
			{What: "delta is torn", Do: "Restore."}, {What: "masks are torn", Do: "Restore."}, {What: "ids differ", Do: "Import."}}},
		{Name: "contents", Skipped: "the files are damaged"},
	}}}
	want := `data      sosie-data
files     ok       12 files
          note: log/00001.mem: 7 bytes after the last whole write
values    WRONG    9 keys
          - delta is torn
          - masks are torn
            do: Restore.
          - ids differ
            do: Import.
          - and 3 more
contents  not checked: the files are damaged
note      a server runs: it checked every byte of its files when it opened them; stop it and ask again to have them checked now
verdict   NOT HEALTHY
`
	if diff := cmp.Diff(want, d.Board()); diff != "" {
		t.Errorf("the board differs (-want +got):\n%s", diff)
	}
}

func TestFoundBoard(t *testing.T) {
	for _, c := range []struct {
		found Found
		want  string
		clear bool
	}{
		{Found{Name: "crm:1"}, "user      crm:1: nobody has, or had, this name\nverdict   nothing\n", true},
		{Found{Name: "crm:1", Finding: storage.Finding{Users: []storage.Ordinal{7}, Traces: []storage.Trace{{File: "store/1.sst", What: "masks of chunk 0: erased", Mask: true}}}},
			"user      crm:1: 7\nmask      store/1.sst: masks of chunk 0: erased\nverdict   nothing but the mask of the erased\n", true},
		{Found{Name: "crm:1", Finding: storage.Finding{Users: []storage.Ordinal{7}, Traces: []storage.Trace{{File: "store/1.sst", What: "delta", Old: true}}, Raw: []string{"log/2.mem"}}},
			"user      crm:1: 7\ntrace     store/1.sst: delta, an earlier version\nbytes     log/2.mem: the bytes of the id\nverdict   still on disk\n", false},
		{Found{Name: "crm:1", Finding: storage.Finding{Skipped: []string{"store/1.sst: torn"}}},
			"user      crm:1: nobody has, or had, this name\nunread    store/1.sst: torn\nverdict   still on disk, or in a file that cannot be read\n", false},
	} {
		if diff := cmp.Diff(c.want, c.found.Board()); diff != "" || c.found.Clear() != c.clear {
			t.Errorf("clear %t, want %t; the board differs (-want +got):\n%s", c.found.Clear(), c.clear, diff)
		}
	}
}

func TestSplits(t *testing.T) {
	for name, want := range map[string][]storage.WantedID{
		"crm:1": {{Space: "crm", External: "1"}},
		"a:b:c": {{Space: "a:b", External: "c"}, {Space: "a", External: "b:c"}},
		":x":    nil,
		"crm:":  nil,
		"plain": nil,
		"":      nil,
		"a::b":  {{Space: "a:", External: "b"}, {Space: "a", External: ":b"}},
	} {
		if diff := cmp.Diff(want, splits(name)); diff != "" {
			t.Errorf("splits(%q) (-want +got):\n%s", name, diff)
		}
	}
}
