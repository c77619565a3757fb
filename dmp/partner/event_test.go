package partner

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sosie/pixel/rules"
	"sosie/storage"
)

// FuzzEvents reads whatever a server may send, in both forms.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		`{"events":[{"user":"site/shop:1","labels":["a"],"event":"cart","id":1,"items":[1,"b"],"value":1.5,"currency":"EUR","time":"2026-11-24T13:05:06Z"}]}`,
		`{"user":"site/shop:1","time":1764000000}` + "\n\n" + `{"user":"u","time":"2026-11-24"}`,
		`{"events":[null,1,"x",[],{}]}`, `{"events":null}`, `{"events":[`, "\xff\x00", `{"user":1e999}`, `{"time":-99999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = 20
		for _, read := range []func([]byte, int) ([]line, error){readArray, readLines} {
			lines, err := read(body, most)
			if err != nil && lines != nil || len(lines) > most {
				t.Fatalf("%d lines and %v", len(lines), err)
			}
			last := 0
			for _, l := range lines {
				if l.number <= last {
					t.Fatalf("line %d comes after %d", l.number, last)
				}
				last = l.number
				e, cause := parseEvent(l.text, now)
				if cause != "" {
					continue
				}
				if !validUser(e.User) || len(e.Labels) > maxLabels || e.Event != "" && !rules.ValidEvent(e.Event) {
					t.Fatalf("%q gave %+v", l.text, e)
				}
				if e.Time == "" && !e.At().Equal(now) || e.At().Year() < -1 || e.At().Year() > 10_000 {
					t.Fatalf("%q is of %s", l.text, e.At())
				}
				_ = storage.DayOf(e.At())
			}
		}
	})
}

// BenchmarkEvents reads batches of 1,000 events.
func BenchmarkEvents(b *testing.B) {
	one := `{"user":"site/shop:123456","labels":["bought/racket","interest/tennis"],"event":"purchase","time":"2026-11-24T13:05:06Z"}`
	body := []byte(`{"events":[` + strings.TrimSuffix(strings.Repeat(one+",", 1000), ",") + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		lines, err := readArray(body, 1000)
		if err != nil || len(lines) != 1000 {
			b.Fatal(err)
		}
		for _, l := range lines {
			if _, cause := parseEvent(bytes.TrimSpace(l.text), time.Time{}); cause != "" {
				b.Fatal(cause)
			}
		}
	}
}
