package audience

import "strings"

// Nearest returns the name a person most likely meant: a name that ends in
// "/"+word, else the one with the fewest edits, the first of several in the
// given order. A name with more than half its characters wrong is no guess.
func Nearest(word string, names []string) (string, bool) {
	for _, name := range names {
		if strings.HasSuffix(name, "/"+word) {
			return name, true
		}
	}
	found, limit := "", max(1, len(word)/2)
	for _, name := range names {
		if d := distance(word, name, limit); d <= limit {
			if found, limit = name, d-1; limit < 0 {
				break
			}
		}
	}
	return found, found != ""
}

// distance counts the insertions, deletions and replacements of bytes that
// turn a into b, and gives up with limit+1 as soon as it must exceed limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
