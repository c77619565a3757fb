package storage

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

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
	jump := s.state.Jump
	out.Log.Saved = s.savedSeq
	out.Memory = Memory{Resident: s.resident, Budget: s.options.Memory, EvictedBefore: s.evictBelow}
	for _, err := range []error{s.saveErr, s.rollErr, s.foldErr} {
		if err != nil {
			out.Warnings = append(out.Warnings, err.Error())
		}
	}
	s.statusMu.Unlock()
	out.Log.Seq, out.Log.Folded, out.Log.Appended = s.log.Last(), v.stamp.Seq, s.log.Appended()
	if err := s.log.Broken(); err != nil {
		out.Warnings = append(out.Warnings, err.Error())
	}
	if today := DayOf(s.clock()); out.Horizon != 0 && (jump != 0 || today > out.Horizon+2) {
		out.Warnings = append(out.Warnings, fmt.Sprintf(
			"the clock says %s, the newest day in the log is %s: nothing is deleted by retention until that is confirmed (sosie clock confirm)",
			max(today, jump), out.Horizon))
	}
	out.OldestOn = v.stamp.Day
	damaged := 0
	for _, c := range v.chunks {
		if len(c.sealed) > 0 {
			out.OldestOn = min(out.OldestOn, c.sealed[0].day)
		}
		damaged += len(slices.DeleteFunc(slices.Clone(c.sealed), func(d sealedDay) bool { return d.damage == nil }))
	}
	if damaged > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d blocks cannot be read: answers that need them fail; restore them from a dump", damaged))
	}
	return out, s.measure(&out)
}

func (s *Store) measure(out *Status) (err error) {
	out.Disk.Reserve, out.Disk.Sealed = s.options.Reserve, s.sealedBytes.Load()
	if out.Disk.Free, err = s.options.free(s.options.Dir); err != nil {
		return err
	}
	if out.Disk.Log, err = device.Used(filepath.Join(s.options.Dir, logDir)); err != nil {
		return err
	}
	if out.Disk.Store, err = device.Used(filepath.Join(s.options.Dir, storeDir)); err != nil {
		return err
	}
	if err := s.room(); err != nil {
		out.Warnings = append(out.Warnings, err.Error())
	}
	return nil
}

// Lag is how long ago the view was published.
func (s *Store) Lag() time.Duration { return s.clock().Sub(s.View().stamp.At) }
