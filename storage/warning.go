package storage

import "fmt"

// Topic says what a warning is about. There is at most one warning of a topic.
type Topic string

// The topics.
const (
	AboutCheckpoint Topic = "checkpoint" // the last one failed
	AboutSealing    Topic = "sealing"    // a day that is over could not be sealed, or expired
	AboutFold       Topic = "fold"       // the log cannot be folded any further
	AboutLog        Topic = "log"        // a sync failed: nothing is acknowledged until a restart
	AboutClock      Topic = "clock"      // it jumped
	AboutDamage     Topic = "damage"     // blocks that cannot be read
	AboutRoom       Topic = "room"       // less free than the reserve: nothing is written
)

// Warning is a sentence for an operator, with a way out.
type Warning struct {
	Topic Topic  `json:"topic"`
	Text  string `json:"text"`
}

// Warnings are what an operator should know now. It reads memory, and asks the
// device for its free room.
func (s *Store) Warnings() []Warning {
	var out []Warning
	warn := func(about Topic, err error) {
		if err != nil {
			out = append(out, Warning{about, err.Error()})
		}
	}
	s.statusMu.Lock()
	warn(AboutCheckpoint, s.saveErr)
	warn(AboutSealing, s.rollErr)
	warn(AboutFold, s.foldErr)
	horizon, jump := s.state.Horizon, s.state.Jump
	s.statusMu.Unlock()
	warn(AboutLog, s.log.Broken())
	if today := DayOf(s.clock()); horizon != 0 && (jump != 0 || today > horizon+2) {
		warn(AboutClock, fmt.Errorf(
			"the clock says %s, the newest day in the log is %s: nothing is deleted by retention until that is confirmed (sosie clock confirm)",
			max(today, jump), horizon))
	}
	if damaged := s.View().damaged(); damaged > 0 {
		warn(AboutDamage, fmt.Errorf("%d blocks cannot be read: answers that need them fail; restore them from a dump", damaged))
	}
	warn(AboutRoom, s.room())
	return out
}

// damaged is how many days of chunks cannot be read.
func (v *View) damaged() (n int) {
	for _, c := range v.chunks {
		for i := range c.sealed {
			if c.sealed[i].damage != nil {
				n++
			}
		}
	}
	return n
}

// Room is the free room on the device of the data directory and what is kept of
// it in reserve, in bytes.
func (s *Store) Room() (free, reserve int64, err error) {
	free, err = s.options.free(s.options.Dir)
	return free, s.options.Reserve, err
}

// Memory says what blocks hold in memory.
func (s *Store) Memory() Memory {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	return Memory{Resident: s.resident, Budget: s.options.Memory, EvictedBefore: s.evictBelow}
}
