package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestMain lets the test binary be the server process of its own benchmarks.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], ServeVerb) {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
