package quality

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"sosie/audience"
	"sosie/storage"
)

const (
	// knownDays is how many days with a first hit are remembered of each label,
	// and enoughDays how many make a habit.
	knownDays, enoughDays = 7, 5
	// habitDays is how old the oldest of them may be.
	habitDays = 14
	// grace is how much later than ever a label may be, in minutes.
	grace = 60
	// labelsPerDocument keeps a document of the rhythm below its limit.
	labelsPerDocument = 500
)

// kind is the kind of the documents that hold the rhythm.
const kind = "rhythm"

// first is when a label was first met on a day, in minutes since midnight UTC,
// rounded up to the look that found it.
type first struct {
	Day    storage.Day `json:"day"`
	Minute int         `json:"minute"`
}

// Rhythm remembers by what time each label is met. All methods may be called
// concurrently.
type Rhythm struct {
	mu     sync.Mutex
	day    storage.Day     // of the last look
	absent map[string]bool // labels that day had not brought at the last look
	firsts map[string][]first
}

// OpenRhythm reads what an earlier process learned.
func OpenRhythm(documents *storage.Documents) (*Rhythm, error) {
	r := &Rhythm{firsts: map[string][]first{}}
	for name, value := range documents.List(kind) {
		if err := json.Unmarshal(value, &r.firsts); err != nil {
			return nil, fmt.Errorf("read rhythm %s: %w", name, err)
		}
	}
	return r, nil
}

// minuteOf is the minutes since midnight UTC.
func minuteOf(now time.Time) int { return now.UTC().Hour()*60 + now.UTC().Minute() }

// Look notes which labels the day has brought by now; their days end today. A
// label counts as first met at this look only where the look before, on the same
// day or the day before, did not have it.
func (r *Rhythm) Look(now time.Time, labels []audience.LabelDays) {
	r.mu.Lock()
	defer r.mu.Unlock()
	day := storage.DayOf(now)
	watched := r.day == day-1 // since midnight, when no label had been met
	absent := make(map[string]bool, len(labels))
	firsts := make(map[string][]first, len(r.firsts))
	for _, l := range labels {
		known := r.firsts[l.Label]
		switch {
		case len(l.Days) == 0 || l.Days[len(l.Days)-1] == 0:
			absent[l.Label] = true
		case watched || r.day == day && r.absent[l.Label]:
			known = append(slices.Clone(known[max(0, len(known)-knownDays+1):]), first{day, minuteOf(now)})
		}
		if len(known) > 0 {
			firsts[l.Label] = known
		}
	}
	r.day, r.absent, r.firsts = day, absent, firsts
}

// Late reports whether it is later than a label was ever first met on a day of
// late; never of one whose habits are not known yet.
func (r *Rhythm) Late(label string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	latest, days := 0, 0
	for _, f := range r.firsts[label] {
		if f.Day >= storage.DayOf(now)-habitDays {
			latest = max(latest, f.Minute)
			days++
		}
	}
	return days >= enoughDays && minuteOf(now) > latest+grace
}

// Save keeps what was learned for the next process.
func (r *Rhythm) Save(documents *storage.Documents) error {
	values, err := r.encode()
	if err != nil {
		return err
	}
	err = documents.Edit(func(e *storage.Edit) error {
		for name := range e.List(kind) {
			if n, err := strconv.Atoi(name); err != nil || n >= len(values) {
				if err := e.Delete(kind, name); err != nil {
					return err
				}
			}
		}
		for i, value := range values {
			if err := e.Put(kind, strconv.Itoa(i), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save rhythm: %w", err)
	}
	return nil
}

func (r *Rhythm) encode() (values [][]byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.firsts))
	for name := range r.firsts {
		names = append(names, name)
	}
	slices.Sort(names)
	for some := range slices.Chunk(names, labelsPerDocument) {
		part := make(map[string][]first, len(some))
		for _, name := range some {
			part[name] = r.firsts[name]
		}
		value, err := json.Marshal(part)
		if err != nil {
			return nil, fmt.Errorf("encode rhythm: %w", err)
		}
		values = append(values, value)
	}
	return values, nil
}
