package dmp

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sosie/dmp/alert"
	"sosie/pixel"
	"sosie/storage"
	"sosie/storage/commitlog"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

func TestBoard(t *testing.T) {
	at := time.Date(2026, 11, 24, 13, 5, 6, 0, time.UTC)
	day := storage.DayOf(at)
	quiet := Status{Version: "1.2.3", Data: "/var/lib/sosie", Since: at.Add(-time.Hour),
		Store: storage.Status{ID: "0123456789abcdef", Stamp: storage.Stamp{Day: day, At: at}, Labels: 1, OldestOn: day,
			Disk: storage.Disk{Log: 4096, Store: 8192, Free: 80 << 30, Reserve: 512 << 20}}}
	busy := quiet
	busy.Pixel, busy.FoldLag = "127.0.0.1:8080", 1.25
	busy.Process = Process{Heap: 900 << 20, Taken: 1200 << 20}
	busy.Store.Stamp.Seq, busy.Store.Users, busy.Store.Chunks, busy.Store.Claims = 1234567, 10_000_000, 153, 4321
	busy.Store.Robots = 17
	busy.Store.Log = storage.LogStatus{Seq: 1234568, Folded: 1234567, Saved: 1234000}
	busy.Store.Log.Latency = commitlog.Latency{Appends: 54_321, P50: 1234 * time.Microsecond, P99: 1200 * time.Millisecond}
	busy.Alerts = []alert.Alert{{Kind: alert.Label, Object: "interest/tennis", Text: "nobody has got it since 2026-11-22", Since: at.Add(-time.Hour)}}
	busy.Store.Labels, busy.Store.OldestOn = 1000, day-394
	busy.Store.Memory = storage.Memory{Resident: 700 << 20, Budget: 1 << 30, EvictedBefore: day - 200}
	busy.Store.Warnings = []string{"300 MiB free, 512 MiB are kept in reserve", "2 blocks cannot be read"}
	busy.Hits = pixel.Counters{Hits: 2_000_000, Stored: 1_500_000, Pending: 400_000, Claimed: 90_000, Counted: 10,
		RefusedByGPC: 60_000, Robot: 39_999, RobotsMarked: 17, StoreFull: 1, LabelUnknown: 12, OptedOut: 7, Resealed: 3}
	served := quiet
	served.Pixel = busy.Pixel
	for name, s := range map[string]Status{"quiet": quiet, "served": served, "busy": busy} {
		path := "testdata/board-" + name + ".txt"
		if *rewrite {
			if err := os.WriteFile(path, []byte(s.Board()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), s.Board()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
