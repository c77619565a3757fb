package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Setting is one option the figures depend on.
type Setting struct {
	Name  string
	Value any
}

// Report is the outcome of one benchmark.
type Report struct {
	// Name says which benchmark it was.
	Name     string
	Machine  Machine
	Settings []Setting
	Tables   []*Table
}

// New starts a report about this machine.
func New(name string, settings ...Setting) *Report {
	return &Report{Name: name, Machine: ThisMachine(), Settings: settings}
}

// Table adds an empty table, to be filled by the caller.
func (r *Report) Table(name string, columns ...Column) *Table {
	t := &Table{Name: name, Columns: columns}
	r.Tables = append(r.Tables, t)
	return t
}

// Write prints the report: JSON alone, or tables under a line that names the
// machine.
func (r *Report) Write(out io.Writer, asJSON bool) error {
	if asJSON {
		return r.writeJSON(out)
	}
	if _, err := fmt.Fprintf(out, "%s: %s\n%s\n", r.Name, r.settings(), r.Machine); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	for _, t := range r.Tables {
		if _, err := fmt.Fprintln(out); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if err := t.write(out); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

func (r *Report) settings() string {
	parts := make([]string, len(r.Settings))
	for i, s := range r.Settings {
		parts[i] = s.Name + " " + show(s.Value)
	}
	return strings.Join(parts, ", ")
}

func (r *Report) writeJSON(out io.Writer) error {
	settings := make(map[string]any, len(r.Settings))
	for _, s := range r.Settings {
		settings[s.Name] = plain(s.Value)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		Name     string         `json:"bench"`
		Machine  Machine        `json:"machine"`
		Settings map[string]any `json:"settings"`
		Tables   []*Table       `json:"tables"`
	}{r.Name, r.Machine, settings, r.Tables})
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
