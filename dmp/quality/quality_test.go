package quality

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sosie/audience"
	"sosie/storage"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func openStore(t *testing.T) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func met(names ...string) (labels []audience.LabelDays) {
	for _, name := range []string{"a", "b"} {
		n := uint64(0)
		if slices.Contains(names, name) {
			n = 1
		}
		labels = append(labels, audience.LabelDays{Label: name, Days: []uint64{9, 9, 9, 9, 9, 9, 9, n}})
	}
	return labels
}

// TestLate: label a is met at eight in the morning for five days, b at noon on
// four of them.
func TestLate(t *testing.T) {
	s := openStore(t)
	r, err := OpenRhythm(s.Documents())
	if err != nil {
		t.Fatal(err)
	}
	midnight := noon.Truncate(24 * time.Hour)
	for day := range 6 {
		at := midnight.AddDate(0, 0, day)
		r.Look(at.Add(time.Minute), met())
		r.Look(at.Add(8*time.Hour+time.Duration(day)*time.Minute), met("a"))
		if day < 4 {
			r.Look(at.Add(12*time.Hour), met("a", "b"))
		}
		r.Look(at.Add(23*time.Hour), met("a", "b"))
	}
	if err := r.Save(s.Documents()); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenRhythm(s.Documents()); err != nil { // another process
		t.Fatal(err)
	}
	today := midnight.AddDate(0, 0, 6)
	for _, row := range []struct {
		label string
		at    time.Time
		want  bool
	}{
		{"a", today.Add(9*time.Hour + 5*time.Minute), false},
		{"a", today.Add(9*time.Hour + 6*time.Minute), true}, // 08:05 was the latest
		{"b", today.Add(23*time.Hour + 59*time.Minute), false},
		{"a", today.AddDate(0, 0, 14).Add(23 * time.Hour), false}, // a habit of long ago
		{"never met", today.Add(23 * time.Hour), false},
	} {
		if got := r.Late(row.label, row.at); got != row.want {
			t.Errorf("%s at %s: late %v, want %v", row.label, row.at, got, row.want)
		}
	}
	silent := Judge(met()[0], storage.LabelSpec{}, r, today.Add(10*time.Hour))
	early := Judge(met()[0], storage.LabelSpec{}, r, today.Add(8*time.Hour))
	if silent.SilentDays != 1 || early.SilentDays != 0 {
		t.Errorf("silent for %d and %d days, want 1 and 0", silent.SilentDays, early.SilentDays)
	}
}

// TestStartedLate: a process that started in the middle of the day learns
// nothing of labels it finds already met.
func TestStartedLate(t *testing.T) {
	r, err := OpenRhythm(openStore(t).Documents())
	if err != nil {
		t.Fatal(err)
	}
	for day := range 6 {
		r.Look(noon.AddDate(0, 0, 2*day), met("a"))
	}
	if len(r.firsts) > 0 {
		t.Errorf("learned %v", r.firsts)
	}
	r.Look(noon.AddDate(0, 0, 11), met("a")) // the day after: looked at since midnight
	if len(r.firsts["a"]) != 1 {
		t.Errorf("learned %v", r.firsts)
	}
}

// TestManyLabels: the rhythm of more labels than a document holds; and of fewer
// later.
func TestManyLabels(t *testing.T) {
	s := openStore(t)
	r, err := OpenRhythm(s.Documents())
	if err != nil {
		t.Fatal(err)
	}
	var labels []audience.LabelDays
	for i := range 2*labelsPerDocument + 1 {
		labels = append(labels, audience.LabelDays{Label: fmt.Sprintf("%0128d", i), Days: []uint64{1}})
	}
	for day := range 9 {
		r.Look(noon.AddDate(0, 0, day), labels)
	}
	for _, labels := range [][]audience.LabelDays{labels, labels[:3], nil} {
		r.Look(noon.AddDate(0, 0, 9), labels)
		if err := r.Save(s.Documents()); err != nil {
			t.Fatal(err)
		}
		again, err := OpenRhythm(s.Documents())
		if err != nil || len(again.firsts) != len(labels) {
			t.Errorf("%d labels kept, %v: want %d", len(again.firsts), err, len(labels))
		}
	}
}

func TestSpark(t *testing.T) {
	for _, row := range []struct {
		days []uint64
		want string
	}{
		{[]uint64{0, 1, 2, 3, 4, 5, 6, 7, 8}, " ▁▂▃▄▅▆▇█"},
		{[]uint64{1, 1000, 125, 126, 999}, "▁█▁▂█"},
		{[]uint64{0, 0}, "  "},
		{nil, ""},
	} {
		if got := Spark(row.days); got != row.want {
			t.Errorf("%v: %q, want %q", row.days, got, row.want)
		}
	}
}
