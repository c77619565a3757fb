package alert

import (
	"context"
	"sync"
	"time"
)

// maxChanges is the most changes of a message; of more, their number is told.
const maxChanges = 100

// Message is what a webhook gets, as JSON.
type Message struct {
	// Store is the store's id.
	Store string `json:"store"`
	// At is when the message was written.
	At time.Time `json:"at"`
	// Changes are the alerts that began or ended since the message before.
	Changes []Change `json:"changes"`
	// More is how many changes are left out.
	More int `json:"more,omitempty"`
}

// The values of Change.Status.
const (
	Firing   = "firing"
	Resolved = "resolved"
)

// Change is an alert that began or ended.
type Change struct {
	Status string `json:"status"` // Firing or Resolved
	Alert
}

// Bell tells what changed. All methods may be called concurrently.
type Bell struct {
	store string
	hook  *Webhook // nil tells nobody

	mu     sync.Mutex
	firing map[key]Alert

	ringing sync.Mutex
	told    map[key]Alert
}

// NewBell returns a bell of a store that nothing was told of. A nil hook keeps
// alerts and tells nobody.
func NewBell(store string, hook *Webhook) *Bell {
	return &Bell{store: store, hook: hook, firing: map[key]Alert{}, told: map[key]Alert{}}
}

// Firing returns what is wrong as of the last Ring, by kind and object.
func (b *Bell) Firing() []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	return sorted(b.firing)
}

func sorted(alerts map[key]Alert) []Alert {
	out := make([]Alert, 0, len(alerts))
	for _, a := range alerts {
		out = append(out, a)
	}
	Sort(out)
	return out
}

// Ring notes what is wrong now, returns what began and what ended since the last
// call, and tells the webhook what it has not been told yet, with patience. An
// error means that the next Ring tells it.
func (b *Bell) Ring(ctx context.Context, found []Alert, now time.Time) (changes []Change, err error) {
	b.mu.Lock()
	before := b.firing
	b.firing = make(map[key]Alert, len(found))
	for _, a := range found {
		a.Since = now
		if old, known := before[a.key()]; known {
			a.Since = old.Since
		}
		b.firing[a.key()] = a
	}
	firing := b.firing
	b.mu.Unlock()
	return difference(before, firing), b.tell(ctx, firing, now)
}

// difference lists what ended between two moments, then what began.
func difference(before, now map[key]Alert) (changes []Change) {
	for _, a := range sorted(before) {
		if _, still := now[a.key()]; !still {
			changes = append(changes, Change{Resolved, a})
		}
	}
	for _, a := range sorted(now) {
		if _, already := before[a.key()]; !already {
			changes = append(changes, Change{Firing, a})
		}
	}
	return changes
}

func (b *Bell) tell(ctx context.Context, firing map[key]Alert, now time.Time) error {
	b.ringing.Lock()
	defer b.ringing.Unlock()
	changes := difference(b.told, firing)
	if b.hook == nil || len(changes) == 0 {
		return nil
	}
	m := Message{Store: b.store, At: now, Changes: changes[:min(len(changes), maxChanges)]}
	m.More = len(changes) - len(m.Changes)
	if err := b.hook.PostPatiently(ctx, m); err != nil {
		return err
	}
	b.told = firing // it is replaced, never changed
	return nil
}

// TestMessage is a message that nothing is wrong behind.
func TestMessage(store string, now time.Time) Message {
	return Message{Store: store, At: now, Changes: []Change{{Firing, Alert{Kind: Test, Object: "webhook", Text: "This is a test: nothing is wrong.", Since: now}}}}
}
