package bench

import (
	"math"
	"slices"
)

// percentile returns the value that p percent of the rounds stay within.
func percentile(rounds []float64, p float64) float64 {
	if len(rounds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(rounds))
	rank := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}
