package storage

import (
	"path/filepath"
	"time"

	"sosie/storage/commitlog"
	"sosie/storage/device"
)

// Status is how the store is doing, at one moment.
type Status struct {
	ID       string    `json:"id"`
	Stamp    Stamp     `json:"stamp"`
	Users    int64     `json:"users"` // ordinals that have ever had a record
	Labels   int       `json:"labels"`
	Chunks   int       `json:"chunks"`
	Horizon  Day       `json:"horizon"` // the day that deletion by retention follows
	OldestOn Day       `json:"oldest_day"`
	Log      LogStatus `json:"log"`
	Memory   Memory    `json:"memory"`
	Disk     Disk      `json:"disk"`
	Robots   int       `json:"robots"` // users marked as such
	Claims   int       `json:"claims"` // pending cookies that became users in the last 24 hours
	// Warnings are sentences for an operator, each with a way out.
	Warnings []string `json:"warnings"`
}

// LogStatus says how far folding and saving are behind the log.
type LogStatus struct {
	Seq      uint64 `json:"seq"`      // newest durable batch
	Folded   uint64 `json:"folded"`   // newest batch in the view
	Saved    uint64 `json:"saved"`    // newest batch that a restart need not replay
	Appended uint64 `json:"appended"` // bytes since the start
	// Latency is how long appends took lately.
	Latency commitlog.Latency `json:"latency"`
}

// Memory says what blocks hold in memory.
type Memory struct {
	Resident int64 `json:"resident"` // bytes of blocks
	Budget   int64 `json:"budget"`   // of the whole process; 0 means none
	// EvictedBefore is the day before which days are streamed from disk.
	EvictedBefore Day `json:"evicted_before"`
}

// Disk says how much room is taken and left, in bytes.
type Disk struct {
	Log     int64 `json:"log"`
	Store   int64 `json:"store"`
	Free    int64 `json:"free"`
	Reserve int64 `json:"reserve"`
	// Sealed is the bytes of blocks written since the start.
	Sealed int64 `json:"sealed"`
}

// Status measures the store. It walks the data directory and may take
// milliseconds.
func (s *Store) Status() (Status, error) {
	v := s.View()
	out := Status{ID: s.about.ID, Stamp: v.stamp, Labels: v.labels.Len(), Chunks: v.Chunks(), Claims: s.claims.len()}
	s.statusMu.Lock()
	out.Users, out.Horizon = int64(s.state.Users-skipped(s.about.Epochs, s.state.Users)), s.state.Horizon
	out.Log.Saved = s.savedSeq
	s.statusMu.Unlock()
	out.Memory = s.Memory()
	out.Log.Seq, out.Log.Folded, out.Log.Appended, out.Log.Latency = s.log.Last(), v.stamp.Seq, s.log.Appended(), s.log.Latency()
	out.OldestOn = v.stamp.Day
	for i, c := range v.chunks {
		if len(c.sealed) > 0 {
			out.OldestOn = min(out.OldestOn, c.sealed[0].day)
		}
		out.Robots += v.Mask(i, Robot).Card()
	}
	for _, w := range s.Warnings() {
		out.Warnings = append(out.Warnings, w.Text)
	}
	return out, s.measure(&out)
}

func (s *Store) measure(out *Status) (err error) {
	out.Disk.Sealed = s.sealedBytes.Load()
	if out.Disk.Free, out.Disk.Reserve, err = s.Room(); err != nil {
		return err
	}
	if out.Disk.Log, err = device.Used(filepath.Join(s.options.Dir, logDir)); err != nil {
		return err
	}
	out.Disk.Store, err = device.Used(filepath.Join(s.options.Dir, storeDir))
	return err
}

// Lag is how long ago the view was published.
func (s *Store) Lag() time.Duration { return s.clock().Sub(s.View().stamp.At) }

// Durable is the sequence of the newest batch of the log. A view whose Stamp has a
// lower one does not show it yet.
func (s *Store) Durable() uint64 { return s.log.Last() }
