package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPixel(t *testing.T) {
	var out bytes.Buffer
	o := PixelOptions{
		Shape: tiny, Output: Output{JSON: true}, Connections: []int{4}, Rounds: 2, Duration: 30 * time.Millisecond, Dir: t.TempDir(),
	}
	if err := Pixel(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	table := rows(t, out.Bytes())["server processor time of a hit"]
	if len(table) != len(ladderSteps) {
		t.Fatalf("%d rows: %v", len(table), table)
	}
	for i, row := range table {
		cpu := row["cpu_us"].(map[string]any)
		if row["step"] != ladderSteps[i%len(ladderSteps)] || cpu["median"].(float64) <= 0 || cpu["rounds"] != 2.0 {
			t.Errorf("row %d: %v", i, row)
		}
	}
}

func TestServeAnswersAndRefuses(t *testing.T) {
	dir := t.TempDir()
	s, err := startServer(context.Background(), serveOrder{Step: stepDurable, Data: dir + "/data", Keys: dir + "/keys", Shape: tiny.normal()})
	if err != nil {
		t.Fatal(err)
	}
	if s.Users != uint32(tiny.Users) {
		t.Errorf("%d users", s.Users)
	}
	if a, err := s.ask(order{Do: askCount, Expression: "seen"}); err != nil || a.Count != 0 {
		t.Errorf("count %d, %v", a.Count, err)
	}
	if _, err := s.ask(order{Do: askCount, Expression: "no/such/label"}); err == nil || !strings.Contains(err.Error(), "no/such/label") {
		t.Errorf("an undeclared label: %v", err)
	}
	if _, err := s.ask(order{Do: "dance"}); err == nil {
		t.Error("it dances")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := startServer(context.Background(), serveOrder{Step: "stroll", Data: dir + "/other", Keys: dir + "/otherkeys", Shape: tiny.normal()}); err == nil {
		t.Error("an unknown step is served")
	}
}

func TestServeNeedsAnOrder(t *testing.T) {
	var out bytes.Buffer
	if err := Serve(context.Background(), strings.NewReader(""), &out); !errors.Is(err, ErrOptions) || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	if err := Serve(context.Background(), strings.NewReader(`{"step":"x"}`), &out); err == nil || !strings.Contains(out.String(), `"error"`) {
		t.Errorf("%v, %q", err, out.String())
	}
}
