package quality

import (
	"time"

	"sosie/audience"
	"sosie/storage"
)

// Label is one label and how it is doing.
type Label struct {
	audience.LabelDays
	Origin    storage.Origin `json:"origin"`
	Provider  string         `json:"provider,omitempty"`
	Retention int            `json:"retention"` // days
	// Rules are the rules of sites that grant the label, such as "shop rule 3 (reviews)".
	Rules []string `json:"rules,omitempty"`
	// SilentDays is for how many days, today included, the label has been missed;
	// 0 when it has not.
	SilentDays int `json:"silent_days,omitempty"`
	// Doubled says that yesterday or today brought far more users than usual.
	Doubled bool `json:"doubled,omitempty"`
}

// Judge says what is odd about a label.
func Judge(days audience.LabelDays, spec storage.LabelSpec, rhythm *Rhythm, now time.Time) Label {
	l := Label{LabelDays: days, Origin: spec.Origin, Provider: spec.Provider, Retention: spec.Retention, Doubled: days.Doubled()}
	if quiet, over, today := days.Silence(); over || today && rhythm.Late(days.Label, now) {
		l.SilentDays = quiet
	}
	return l
}

// sparks are the heights of a spark line, the lowest first.
var sparks = []rune("▁▂▃▄▅▆▇█")

// Spark draws days as heights, a blank where there was nobody. The highest day
// has the full height.
func Spark(days []uint64) string {
	most := uint64(1)
	for _, n := range days {
		most = max(most, n)
	}
	line := make([]rune, len(days))
	for i, n := range days {
		if line[i] = ' '; n > 0 {
			line[i] = sparks[(n*uint64(len(sparks))-1)/most]
		}
	}
	return string(line)
}
