package dmp

// nearest returns the known name closest to name by edit distance, or nothing
// when all are too far to be what was meant.
func nearest(name string, known []string) string {
	best, bound := "", max(len(name)/2, 2)+1
	for _, k := range known {
		if d := distance(name, k); d < bound {
			best, bound = k, d
		}
	}
	return best
}

// distance is the number of insertions, deletions and substitutions of bytes
// between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, substitute)
		}
	}
	return row[len(b)]
}
