package intake

import (
	"fmt"
	"strings"

	"sosie/storage"
)

// The values of Request.Consent.
const (
	// Permitted declares that the users may be counted.
	Permitted = "permitted"
	// None declares that they may not.
	None = "none"
)

// The defaults of a Request, which the zero value does not mean.
const (
	DefaultMaxLabels = 10_000
	DefaultMaxErrors = 1_000
)

// ClientSpace is the id space of access logs' clients. Their names are
// different in every log, so nothing joins them, and no export may use it.
const ClientSpace = "access-log"

// Request says what a file is and what may become of it.
type Request struct {
	// File is what the receipt calls the file.
	File   string `json:"file,omitempty"`
	Format Format `json:"format"`
	// IDSpace is whose ids the users are; for an access log, empty.
	IDSpace string `json:"id_space,omitempty"`
	// Source names where the rows come from: each also writes source/<name>.
	// Empty means the id space.
	Source string `json:"source,omitempty"`
	// Site is the site whose rules make labels of an access log's pages, and
	// whose label its rows write.
	Site string `json:"site,omitempty"`
	// Consent is Permitted, also when empty, or None.
	Consent string `json:"consent,omitempty"`
	// Origin, of which party, and Provider are declared of labels that are new.
	Origin   string `json:"origin,omitempty"`
	Provider string `json:"provider,omitempty"`
	// DeclaredOnly leaves out rows whose label is not declared, instead of
	// declaring it.
	DeclaredOnly bool `json:"declared_only,omitempty"`
	// MaxLabels is how many labels the import may declare.
	MaxLabels int `json:"max_labels"`
	// MaxErrors is how many bad lines are skipped before the import gives up.
	MaxErrors uint64 `json:"max_errors"`
	// ShiftToNow moves all days by the same number, so that the last is the day
	// of the file's first import.
	ShiftToNow bool `json:"shift_to_now,omitempty"`
}

// normal checks a request and fills in what was left out.
func (q Request) normal() (Request, error) {
	bad := func(format string, args ...any) (Request, error) {
		return q, fmt.Errorf("%w: %s", ErrRequest, fmt.Sprintf(format, args...))
	}
	switch q.Format {
	case CSV, NDJSON:
		switch {
		case q.IDSpace == "":
			return bad("an id space is required: whose ids are the users?")
		case q.Site != "":
			return bad("a site's rules read access logs only")
		case q.IDSpace == ClientSpace:
			return bad("id space %s is kept for access logs", ClientSpace)
		}
	case AccessLog:
		switch {
		case q.IDSpace != "":
			return bad("an access log's clients have an id space of their own: give none")
		case q.Origin != "" || q.Provider != "":
			return bad("an access log declares no labels, so it gives them neither origin nor provider")
		}
		q.IDSpace = ClientSpace
	default:
		return bad("format %q: want %s, %s or %s", q.Format, CSV, NDJSON, AccessLog)
	}
	if q.Source == "" {
		q.Source = q.IDSpace
	}
	for what, name := range map[string]string{"id space": q.IDSpace, "source": "source/" + q.Source} {
		if !storage.ValidLabelName(name) {
			return bad("%s %q: want [a-z0-9][a-z0-9_.:/-]{0,127}", what, strings.TrimPrefix(name, "source/"))
		}
	}
	switch q.Consent {
	case "":
		q.Consent = Permitted
	case Permitted, None:
	default:
		return bad("consent %q: want %s or %s", q.Consent, Permitted, None)
	}
	switch storage.Origin(q.Origin) {
	case "":
		q.Origin = string(storage.FirstParty)
	case storage.FirstParty, storage.SecondParty, storage.ThirdParty:
	default:
		return bad("origin %q: want first, second or third", q.Origin)
	}
	if q.MaxLabels < 0 {
		return bad("%d labels: want 0 or more", q.MaxLabels)
	}
	return q, nil
}

// twice reports whether the file must be read to its end before its first row
// is written.
func (q Request) twice() bool { return q.ShiftToNow || q.Format == AccessLog }
