package report

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		rounds []float64
		want   Spread
		text   string
	}{
		{nil, Spread{}, "0"},
		{[]float64{4}, Spread{4, 4, 4, 1}, "4"},
		{[]float64{9, 1, 4}, Spread{4, 1, 9, 3}, "4 (1–9)"},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9, 4}, "3 (1–9)"},
	} {
		if got := Of(c.rounds); got != c.want || got.String() != c.text {
			t.Errorf("Of(%v) = %+v %q, want %+v %q", c.rounds, got, got, c.want, c.text)
		}
	}
}

func TestRatios(t *testing.T) {
	got := Ratios([]float64{6, 9, 1}, []float64{2, 3, 0})
	if !slices.Equal(got, []float64{3, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct {
		cell any
		want string
	}{
		{1234567, "1,234,567"}, {-1234, "-1,234"}, {999, "999"}, {uint64(1000), "1,000"},
		{12345.6, "12,346"}, {123.4, "123"}, {12.34, "12.3"}, {1.234, "1.23"}, {0.01234, "0.0123"}, {2.0, "2"},
		{0.0, "0"}, {100.0, "100"}, {math.NaN(), "–"}, {1234 * time.Microsecond, "1.23ms"}, {nil, ""}, {true, "true"},
	} {
		if got := show(c.cell); got != c.want {
			t.Errorf("show(%v) = %q, want %q", c.cell, got, c.want)
		}
	}
}

func sample() *Report {
	r := New("bench sample", Setting{"users", 100_000}, Setting{"for", 2 * time.Second})
	r.Machine = Machine{Cores: 2, CPU: "some CPU", OS: "linux 6", Go: "go1.26", Libraries: map[string]string{"roaring": "v2.0.0"}}
	table := r.Table("ladder", Column{"step", "step"}, Column{"cpu_us", "CPU µs"}, Column{"p99_ms", "p99"})
	table.Add("bare", Of([]float64{14, 15, 13}), 1500*time.Microsecond)
	table.Add("durable", Of([]float64{28, 31, 27}), nil)
	table.Note("the client shares the cores")
	return r
}

func TestWriteTable(t *testing.T) {
	var b strings.Builder
	if err := sample().Write(&b, false); err != nil {
		t.Fatal(err)
	}
	want := `bench sample: users 100,000, for 2s
machine: 2 cores (some CPU), linux 6, go1.26, roaring v2.0.0

ladder
  step         CPU µs    p99
  bare     14 (13–15)  1.5ms
  durable  28 (27–31)
  - the client shares the cores
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWriteJSONIsOneObject(t *testing.T) {
	var b strings.Builder
	if err := sample().Write(&b, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Bench    string
		Settings map[string]float64
		Tables   []struct {
			Rows []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	row := got.Tables[0].Rows[0]
	if got.Bench != "bench sample" || got.Settings["for"] != 2000 || row["p99_ms"] != 1.5 {
		t.Errorf("got %+v", got)
	}
	if cpu := row["cpu_us"].(map[string]any); cpu["median"] != 14.0 || cpu["rounds"] != 3.0 {
		t.Errorf("spread %v", cpu)
	}
}

func TestThisMachineNamesItself(t *testing.T) {
	line := ThisMachine().String()
	if !strings.HasPrefix(line, "machine: ") || !strings.Contains(line, "go1") {
		t.Errorf("got %q", line)
	}
}
