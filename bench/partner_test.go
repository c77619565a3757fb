package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestPartner(t *testing.T) {
	var out bytes.Buffer
	shape := tiny
	shape.Days = 8
	o := PartnerOptions{
		Shape: shape, Output: Output{JSON: true}, Segments: 3, Rate: 500, Connections: 2, PixelRate: 500, PixelConnections: 2,
		Duration: 100 * time.Millisecond, Dir: t.TempDir(),
	}
	if err := Partner(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	table := rows(t, out.Bytes())["membership answers"]
	if len(table) != 3 {
		t.Fatalf("%d rows: %v", len(table), table)
	}
	for i, row := range table {
		if row["per_second"].(float64) <= 0 || row["server_p99_us"].(float64) <= 0 || row["cpu_us"].(float64) <= 0 || (row["hits_per_second"].(float64) > 0) != (i == 2) {
			t.Errorf("row %d: %v", i, row)
		}
	}
}

func TestPartnerRefuses(t *testing.T) {
	if err := Partner(context.Background(), PartnerOptions{Segments: 1000}, io.Discard); !errors.Is(err, ErrOptions) {
		t.Errorf("got %v", err)
	}
}
