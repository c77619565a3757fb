package members

import "sosie/storage"

// Status says how the memberships are doing.
type Status struct {
	// Segments is how many are published.
	Segments int `json:"segments"`
	// Memory is the bytes of the memberships.
	Memory int64 `json:"memory"`
	// Took is how long the last evaluation took, in seconds.
	Took float64 `json:"took_seconds"`
	// Stamp is what answers are true of.
	Stamp storage.Stamp `json:"stamp"`
	// Failure is why the last evaluation failed; empty when it did not.
	Failure string `json:"failure,omitempty"`
}

// Status returns how the memberships are doing.
func (m *Members) Status() Status {
	var s Status
	if now := m.now.Load(); now != nil {
		s = Status{Segments: len(now.names), Memory: now.bytes, Took: now.took.Seconds(), Stamp: now.stamp}
	}
	if failure := m.failure.Load(); failure != nil && *failure != nil {
		s.Failure = (*failure).Error()
	}
	return s
}
