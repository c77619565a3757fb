package alert

import (
	"cmp"
	"slices"
	"time"
)

// Kind says what is wrong.
type Kind string

// The kinds.
const (
	// Disk is nearly at its reserve, or below it.
	Disk Kind = "disk"
	// Store is something that failed in the store; the object is the topic of its
	// warning, such as log after a failed sync.
	Store Kind = "store"
	// Label has gone silent; the object is its name.
	Label Kind = "label"
	// Certificate is near its end or cannot be read; the object is its file.
	Certificate Kind = "certificate"
	// Test is told by hand.
	Test Kind = "test"
)

// Alert is one thing that is wrong. Kind and object say which one it is, however
// the text changes.
type Alert struct {
	Kind   Kind      `json:"kind"`
	Object string    `json:"object"`
	Text   string    `json:"text"`  // a sentence
	Since  time.Time `json:"since"` // when it was found first
}

type key struct {
	kind   Kind
	object string
}

func (a Alert) key() key { return key{a.Kind, a.Object} }

// Sort puts alerts in the order in which they are shown.
func Sort(alerts []Alert) {
	slices.SortFunc(alerts, func(a, b Alert) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object)) })
}
