package bench

import (
	"bytes"
	"context"
	"testing"
	"time"
)

func TestDump(t *testing.T) {
	o := DumpOptions{
		Shape: tiny, Output: Output{JSON: true}, Dir: t.TempDir(), Rate: 1000, Connections: 4,
		Quiet: 200 * time.Millisecond, Rounds: 2,
	}
	var out bytes.Buffer
	if err := Dump(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	dumps := rows(t, out.Bytes())["dumps under load"]
	if len(dumps) != 2 {
		t.Fatalf("%d dumps", len(dumps))
	}
	for _, d := range dumps {
		for _, figure := range []string{"dump_s", "bytes", "quiet_p99_ms", "p99_ms", "anon_worst"} {
			if d[figure].(float64) <= 0 {
				t.Errorf("%s is %v", figure, d[figure])
			}
		}
		if d["refused"] != 0.0 {
			t.Errorf("%v hits were not answered 200", d["refused"])
		}
	}
}
