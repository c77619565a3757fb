package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Column is one column of a table.
type Column struct {
	// Key names the column in JSON, with its unit: `cpu_us`.
	Key string
	// Head is its heading for a person.
	Head string
}

// Table is a set of measurements that belong together.
type Table struct {
	// Name names the table in JSON and stands above it.
	Name    string
	Columns []Column
	// Rows hold strings, integers, floats, durations, booleans and Spreads.
	// Durations become milliseconds in JSON. A nil cell is empty.
	Rows [][]any
	// Notes say what a reader must know to trust the figures.
	Notes []string
}

// Add appends a row, one cell for each column.
func (t *Table) Add(cells ...any) { t.Rows = append(t.Rows, cells) }

// Note appends a remark.
func (t *Table) Note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// MarshalJSON writes the rows as objects with the columns' keys.
func (t *Table) MarshalJSON() ([]byte, error) {
	rows := make([]map[string]any, len(t.Rows))
	for i, cells := range t.Rows {
		rows[i] = make(map[string]any, len(cells))
		for j, c := range cells {
			rows[i][t.Columns[j].Key] = plain(c)
		}
	}
	return json.Marshal(struct {
		Name  string           `json:"name"`
		Rows  []map[string]any `json:"rows"`
		Notes []string         `json:"notes,omitempty"`
	}{t.Name, rows, t.Notes})
}

func plain(cell any) any {
	switch c := cell.(type) {
	case time.Duration:
		return float64(c) / 1e6
	case float64:
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return nil
		}
	}
	return cell
}

// write lays the table out: text to the left, everything else to the right.
func (t *Table) write(out io.Writer) error {
	lines := [][]string{make([]string, len(t.Columns))}
	for j, c := range t.Columns {
		lines[0][j] = c.Head
	}
	for _, cells := range t.Rows {
		line := make([]string, len(t.Columns))
		for j, c := range cells {
			line[j] = show(c)
		}
		lines = append(lines, line)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", t.Name)
	for _, line := range lines {
		t.writeLine(&b, line, lines)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (t *Table) writeLine(b *strings.Builder, line []string, all [][]string) {
	text := ""
	for j, cell := range line {
		pad := strings.Repeat(" ", width(all, j)-utf8.RuneCountInString(cell))
		if t.leftAligned(j) {
			text += "  " + cell + pad
		} else {
			text += "  " + pad + cell
		}
	}
	b.WriteString(strings.TrimRight(text, " ") + "\n")
}

func (t *Table) leftAligned(column int) bool {
	for _, cells := range t.Rows {
		if _, text := cells[column].(string); text {
			return true
		}
	}
	return false
}

func width(lines [][]string, column int) int {
	w := 0
	for _, line := range lines {
		w = max(w, utf8.RuneCountInString(line[column]))
	}
	return w
}

func show(cell any) string {
	switch c := cell.(type) {
	case nil:
		return ""
	case float64:
		return number(c)
	case time.Duration:
		return Round(c).String()
	case int:
		return thousands(int64(c))
	case int64:
		return thousands(c)
	case uint64:
		return thousands(int64(c))
	}
	return fmt.Sprint(cell)
}

// number writes three significant digits, which is already more than these
// measurements carry, and never an exponent.
func number(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "–"
	}
	if math.Abs(f) >= 1000 {
		return thousands(int64(math.Round(f)))
	}
	digits := 2
	for a := math.Abs(f); a >= 10 && digits > 0; a /= 10 {
		digits--
	}
	for a := math.Abs(f); a > 0 && a < 1 && digits < 6; a *= 10 {
		digits++
	}
	s := strconv.FormatFloat(f, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// thousands writes an integer with commas between groups of three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Round keeps three significant digits of a duration.
func Round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d.Abs()/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
