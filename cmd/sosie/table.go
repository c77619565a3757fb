package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table aligns what a verb prints: numbers to the right, text to the left.
type table struct {
	rows [][]string // the first holds the heads; an empty one is a blank line
}

func newTable(heads ...string) *table { return &table{rows: [][]string{heads}} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// line leaves a line blank.
func (t *table) line() { t.rows = append(t.rows, nil) }

// String is the table with a line end behind each row.
func (t *table) String() string {
	widths := make([]int, len(t.rows[0]))
	right := make([]bool, len(widths))
	for i := range widths {
		right[i] = len(t.rows) > 1
		for r, row := range t.rows {
			if i >= len(row) {
				continue
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
			right[i] = right[i] && (r == 0 || row[i] == "" || row[i][0] >= '0' && row[i][0] <= '9' || row[i][0] == '-')
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString("  " + cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// percent is a share of a whole, or nothing where there is no whole.
func percent(part, whole uint64) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", 100*float64(part)/float64(whole))
}
