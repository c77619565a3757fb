package floor

import (
	"fmt"
	"strings"

	"sosie/bench/population"
)

// Expression writes the query in the segment language.
func (q Query) Expression() string {
	var parts []string
	for _, group := range q.All {
		parts = append(parts, q.group(group))
	}
	if len(q.Not) > 0 {
		parts = append(parts, "not "+q.group(q.Not))
	}
	return strings.Join(parts, " and ")
}

func (q Query) group(labels []int) string {
	names := make([]string, len(labels))
	for i, l := range labels {
		names[i] = population.Name(l)
	}
	text := strings.Join(names, " or ")
	if len(labels) > 1 {
		text = "(" + text + ")"
	}
	if q.Within > 0 {
		text += fmt.Sprintf(" within %dd", q.Within)
	}
	return text
}
