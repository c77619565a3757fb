package intake

import (
	"maps"
	"slices"
	"time"
)

// The most that a receipt names one by one.
const (
	keptErrors = 20
	keptLabels = 20
)

// Receipt is what became of a file. It is also what the store remembers of the
// import, with what the operator declared.
type Receipt struct {
	File     string `json:"file,omitempty"`
	Format   Format `json:"format"`
	IDSpace  string `json:"id_space"`
	Source   string `json:"source"`
	Site     string `json:"site,omitempty"`
	Consent  string `json:"consent"`
	Origin   string `json:"origin"`
	Provider string `json:"provider,omitempty"`
	// Checksum is the SHA-256 of the unpacked file; empty until it has been read.
	Checksum string `json:"checksum,omitempty"`
	// ShiftDays is the number of days that were added to each day.
	ShiftDays int       `json:"shift_days"`
	Begun     time.Time `json:"begun"`
	// Ended is zero while the import runs, and for ever when it was killed.
	Ended time.Time `json:"ended,omitzero"`
	// Failed is why the import ended before the file did.
	Failed string `json:"failed,omitempty"`

	// Bytes are those read of the file as it came, packed or not.
	Bytes int64 `json:"bytes"`
	// Rows are the lines that are neither blank nor a header: the sum of Stored,
	// Malformed, Expired, Undeclared and Skipped.
	Rows   uint64 `json:"rows"`
	Stored uint64 `json:"stored"`
	// Malformed rows are no events. Expired ones are older than their label's
	// retention. Undeclared ones bring a label that was not to be declared.
	Malformed  uint64 `json:"malformed"`
	Expired    uint64 `json:"expired"`
	Undeclared uint64 `json:"undeclared"`
	// Skipped rows of an access log are no page views, or robots'.
	Skipped uint64 `json:"skipped"`
	// UsersNew and UsersKnown are the users that stored rows are of.
	UsersNew   uint64 `json:"users_new"`
	UsersKnown uint64 `json:"users_known"`
	LabelsNew  int    `json:"labels_new"`
	// Errors are the first bad lines.
	Errors []BadLine `json:"errors"`
	// UndeclaredLabels are rows by label, of the first such labels met.
	UndeclaredLabels map[string]uint64 `json:"undeclared_labels"`
	Warnings         []string          `json:"warnings"`
}

// undeclared counts rows of a label.
func (r *Receipt) undeclared(name string, rows uint64) {
	if _, named := r.UndeclaredLabels[name]; named || len(r.UndeclaredLabels) < keptLabels {
		r.UndeclaredLabels[name] += rows
	}
}

// snapshot copies the receipt, so that the import may go on.
func (r *Receipt) snapshot() Receipt {
	out := *r
	out.Errors = slices.Clone(r.Errors)
	out.UndeclaredLabels = maps.Clone(r.UndeclaredLabels)
	out.Warnings = slices.Clone(r.Warnings)
	return out
}
