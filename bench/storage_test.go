package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"sosie/bench/population"
	"sosie/storage"
)

// tiny is a population that is made in milliseconds.
var tiny = Shape{Users: 1000, Labels: 100, LabelsPerUser: 10, Days: 7}

// rows reads the tables of a report printed as JSON.
func rows(t *testing.T, out []byte) map[string][]map[string]any {
	t.Helper()
	var report struct {
		Tables []struct {
			Name string
			Rows []map[string]any
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, out)
	}
	tables := map[string][]map[string]any{}
	for _, table := range report.Tables {
		tables[table.Name] = table.Rows
	}
	return tables
}

func TestStorage(t *testing.T) {
	var out bytes.Buffer
	keep := filepath.Join(t.TempDir(), "kept")
	o := StorageOptions{
		Shape: tiny, Output: Output{JSON: true}, SimulateDays: 14, Checkpoints: 1,
		Rounds: 2, IDs: 300, Publishes: 1, Appends: 3, Rate: 1000, Dir: t.TempDir(), Keep: keep,
	}
	if err := Storage(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	tables := rows(t, out.Bytes())
	if n := len(tables); n != 5 {
		t.Errorf("%d tables: %v", n, tables)
	}
	for _, row := range tables["filling and disk"] {
		if row["value"] == 0.0 && row["measure"] != "on disk before closing, log" {
			t.Errorf("%s is 0", row["measure"])
		}
	}
	m, err := recall(keep)
	if err != nil || m.Shape.Users != tiny.Users || m.Days != 14 {
		t.Fatalf("memo %+v, %v", m, err)
	}
	store, err := storage.Open(storage.Options{Dir: keep})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if store.HighWater() != storage.Ordinal(tiny.Users) {
		t.Errorf("the kept store has %d users", store.HighWater())
	}
}

func TestStorageRefuses(t *testing.T) {
	err := Storage(context.Background(), StorageOptions{Shape: Shape{Days: 5}}, io.Discard)
	if !errors.Is(err, ErrOptions) {
		t.Errorf("got %v", err)
	}
	if _, err := recall(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing memo is recalled")
	}
}

// Living through every midnight and importing at once must give the same
// answers, namely the brute force's.
func TestSimulateEqualsFill(t *testing.T) {
	people, err := tiny.normal().population()
	if err != nil {
		t.Fatal(err)
	}
	q := questions(tiny.Labels)
	for _, c := range []struct {
		name string
		days int
		live func(*feeder) error
	}{
		{"simulate", 14, func(f *feeder) error { f.steps = 2; return f.simulate(context.Background(), 14) }},
		{"fill", 7, func(f *feeder) error { return f.fill(context.Background(), 7) }},
	} {
		clock := &calendar{}
		first := storage.DayOf(time.Now()) - 20
		clock.Set(first.Time())
		store, err := storage.Open(storage.Options{Dir: t.TempDir(), Clock: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		f, err := newFeeder(store, people, clock, first, Output{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.live(f); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var brute int64
		for u := range uint32(tiny.Users) {
			people.User(u, c.days/7-1, func(tag population.Tag) { brute += int64(len(tag.Days)) })
		}
		if labels, all := f.inForce(); labels != brute || all <= labels {
			t.Errorf("%s: %d tags in force of which %d are labels, want %d", c.name, all, labels, brute)
		}
		for _, q := range q {
			want := people.Count(c.days/7-1, func(h population.Held) bool { return q.query.Holds(h, 6) })
			got, err := count(context.Background(), store.View(), q.expression())
			if err != nil || got != want {
				t.Errorf("%s: %s: %d, want %d: %v", c.name, q.name, got, want, err)
			}
		}
	}
}

func TestExternalIDsAreStableAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for u := range storage.Ordinal(2000) {
		id := externalID(nil, 1, u)
		if len(id) < 16 || len(id) > 32 || seen[string(id)] {
			t.Fatalf("user %d: %d bytes, seen before: %v", u, len(id), seen[string(id)])
		}
		seen[string(id)] = true
	}
	if !seen[string(externalID([]byte{}, 1, 77))] || seen[string(externalID(nil, 2, 77))] {
		t.Error("ids depend on more or less than seed and user")
	}
}

func TestPercentile(t *testing.T) {
	for _, c := range []struct{ p, want float64 }{{0, 1}, {50, 2}, {75, 3}, {99, 4}, {100, 4}} {
		if got := percentile([]float64{4, 2, 1, 3}, c.p); got != c.want {
			t.Errorf("percentile %v is %v, want %v", c.p, got, c.want)
		}
	}
}
