package bench

import (
	"fmt"

	"sosie/storage"
)

// The control labels of a soak. Gold has members that are known beforehand and
// is never written by traffic: its counts must be exact at every moment. Live is
// written by every hit: in the end its users are those whose hits were
// acknowledged.
const (
	goldLabel = "control/gold"
	liveLabel = "control/live"
	goldWeek  = goldLabel + " within 7d"
)

// control knows how many users the control label must count.
type control struct {
	day           storage.Day // on which the soak begins
	early, recent uint64      // members tagged six days before it, and two
}

// plantControl tags the members of the control label: every hundredth user or
// so, in turns on the oldest and on a recent day of the week that ends on day.
func plantControl(store *storage.Store, day storage.Day, users uint32, retention int) (c control, err error) {
	c.day = day
	if _, soaked := store.Labels().Lookup(liveLabel); soaked {
		return c, fmt.Errorf("plant control: %w: the store has been through a soak, which leaves traffic behind: copy a filled one for each", ErrOptions)
	}
	labels, err := store.Declare(storage.LabelSpec{Name: goldLabel, Retention: retention}, storage.LabelSpec{Name: liveLabel, Retention: retention})
	if err != nil {
		return c, fmt.Errorf("plant control: %w", err)
	}
	site, err := store.DeclareSite(siteKey)
	if err != nil {
		return c, fmt.Errorf("plant control: %w", err)
	}
	records := new(storage.Records)
	for u := uint32(3); u < users; u += 97 {
		if u%3 == 0 {
			records.Hit(storage.Ordinal(u), day-6, site, labels[0])
			c.early++
		} else {
			records.Hit(storage.Ordinal(u), day-2, site, labels[0])
			c.recent++
		}
		if records.Len() > 256<<10 {
			if _, err := store.Append(records); err != nil {
				return c, fmt.Errorf("plant control: %w", err)
			}
			records.Reset()
		}
	}
	if _, err := store.Append(records); err != nil {
		return c, fmt.Errorf("plant control: %w", err)
	}
	return c, store.Checkpoint()
}

// check compares an answer with what is true on the day it is stamped with.
func (c control) check(expression string, a answer) error {
	want := c.early + c.recent
	if expression == goldWeek && a.Stamp.Day > c.day {
		want = c.recent // the early ones left the week at midnight
	}
	if a.Stamp.Day < c.day || a.Stamp.Day > c.day+1 {
		return fmt.Errorf("%w: an answer is of %s, the soak began on %s", ErrDiffers, a.Stamp.Day, c.day)
	}
	if a.Count != want {
		return fmt.Errorf("%w: %s is %d on %s, want %d", ErrDiffers, expression, a.Count, a.Stamp.Day, want)
	}
	return nil
}
