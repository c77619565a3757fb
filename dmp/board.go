package dmp

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/pixel"
)

// Board shows the status as an aligned text that a person can paste.
func (s Status) Board() string {
	var b board
	st := s.Store
	b.line("sosie", "%s, store %s", s.Version, st.ID)
	b.line("data", "%s", s.Data)
	if s.Pixel != "" {
		b.line("pixel", "%s, since %s", s.Pixel, s.Since.UTC().Format(time.RFC3339))
	} else {
		b.line("pixel", "not serving")
	}
	if s.Office != "" {
		b.line("office", "%s", s.Office)
	}
	if s.PartnerDoor != "" {
		b.line("partner", "%s", s.PartnerDoor)
	}
	b.line("true of", "sequence %s, day %s, %s", comma(st.Stamp.Seq), st.Stamp.Day, st.Stamp.At.UTC().Format(time.RFC3339))
	b.line("users", "%s in %d chunks, %s claimed in 24 hours, %s marked as robots",
		comma(uint64(st.Users)), st.Chunks, comma(uint64(st.Claims)), comma(uint64(st.Robots)))
	b.line("labels", "%s, days since %s", comma(uint64(st.Labels)), st.OldestOn)
	b.line("log", "%s not folded (%.1f s), %s not saved, %s on disk",
		batches(st.Log.Seq-st.Log.Folded), s.FoldLag, batches(st.Log.Seq-st.Log.Saved), size(st.Disk.Log))
	if l := st.Log.Latency; l.Appends > 0 {
		b.line("durable", "half within %s, 99 of 100 within %s, of the last %s", brief(l.P50), brief(l.P99), comma(uint64(l.Appends)))
	}
	evicted := "all days resident"
	if st.Memory.EvictedBefore > st.OldestOn {
		evicted = "days before " + st.Memory.EvictedBefore.String() + " on disk only"
	}
	budget := "no budget"
	if st.Memory.Budget > 0 {
		budget = "budget " + size(st.Memory.Budget)
	}
	b.line("memory", "blocks %s, %s; process %s, %s", size(st.Memory.Resident), evicted, size(int64(s.Process.Taken)), budget)
	if m := s.Members; m.Failure != "" {
		b.line("published", "%s", m.Failure)
	} else if m.Segments > 0 {
		b.line("published", "%d segments, %s, evaluated in %.1f ms, true of %s", m.Segments, size(m.Memory), m.Took*1000, m.Stamp.At.UTC().Format(time.RFC3339))
	}
	b.line("disk", "used %s, free %s, reserve %s", size(st.Disk.Store+st.Disk.Log), size(st.Disk.Free), size(st.Disk.Reserve))
	b.hits(s.Hits)
	if s.Pixel != "" && len(s.Alerts) == 0 {
		b.line("alerts", "none")
	}
	for _, a := range s.Alerts {
		b.line("alert", "%s %s since %s: %s", a.Kind, a.Object, a.Since.UTC().Format(time.RFC3339), a.Text)
	}
	if len(st.Warnings) == 0 {
		b.line("warnings", "none")
	}
	for _, w := range st.Warnings {
		b.line("warning", "%s", w)
	}
	return b.String()
}

type board struct{ strings.Builder }

func (b *board) line(name, format string, args ...any) {
	fmt.Fprintf(b, "%-10s%s\n", name, fmt.Sprintf(format, args...))
}

// hits shows the counters: the total, then every cause that occurred.
func (b *board) hits(c pixel.Counters) {
	if c == (pixel.Counters{}) {
		b.line("hits", "none since the start")
		return
	}
	b.line("hits", "%s since the start, %s stored, %s pending, %s new users, %s opted out",
		comma(c.Hits), comma(c.Stored), comma(c.Pending), comma(c.Claimed+c.Counted), comma(c.OptedOut))
	name := "refused"
	for _, r := range refusals(c) {
		b.line(name, "%10s  %s", comma(r.Count), r.Cause)
		name = ""
	}
}

// Refusal is how many hits, or parts of hits, were left out for a cause.
type Refusal struct {
	Cause string `json:"cause"`
	Count uint64 `json:"count"`
}

// refusals returns the causes that occurred, in the order of the counters'
// fields, which are their names.
func refusals(c pixel.Counters) []Refusal {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // numbers always marshal
	}
	out := []Refusal{}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := decoder.Token()
		if err != nil {
			return out
		}
		cause, ok := token.(string)
		if !ok {
			continue
		}
		var n uint64
		if err := decoder.Decode(&n); err != nil {
			return out
		}
		switch cause {
		case "hits", "stored", "pending", "claimed", "counted", "opted_out", "resealed", "robots_marked", "me_answered", "tag_served": // refuse nothing
		default:
			if n > 0 {
				out = append(out, Refusal{strings.ReplaceAll(cause, "_", " "), n})
			}
		}
	}
}

// brief writes a duration with two digits after the point.
func brief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func comma(n uint64) string { return humanize.Comma(int64(n)) }

func batches(n uint64) string {
	if n == 1 {
		return "1 batch"
	}
	return comma(n) + " batches"
}

func size(n int64) string { return Size(n).String() }
