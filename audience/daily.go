package audience

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// LabelDays is what one label brought, day by day.
type LabelDays struct {
	Label string `json:"label"`
	// Users carry the label on any day in force.
	Users uint64 `json:"users"`
	// UserDays is the sum of the users of every day in force.
	UserDays uint64 `json:"user_days"`
	// Last is the newest day in force on which somebody got the label; 0 when there
	// is none.
	Last storage.Day `json:"last_day,omitzero"`
	// Days are the users of each of the last days, ascending, today last.
	Days []uint64 `json:"days"`
}

// Daily is what every label brought, day by day.
type Daily struct {
	// Population is everybody, SeenOnce those who were there on one day only.
	Population uint64 `json:"population"`
	SeenOnce   uint64 `json:"seen_once"`
	// Labels are all that are declared and not deleted, reserved ones too, in order
	// of name.
	Labels []LabelDays `json:"labels"`
}

// CountDaily counts, over all cores, the users of every label on every day in
// force, those that the operation may touch, and tells the last so many days
// apart. It reads each day once.
func CountDaily(ctx context.Context, v *storage.View, days int, op permit.Operation) (Daily, error) {
	labels, total := v.Labels(), newDailyTally(v, days)
	var adding sync.Mutex
	err := everyChunk(ctx, v.Chunks(), func(next func() (int, bool)) error {
		t, read := newDailyTally(v, days), v.Reader()
		for chunk, ok := next(); ok; chunk, ok = next() {
			if err := t.add(v, read, chunk, op); err != nil {
				return fmt.Errorf("count days of chunk %d: %w", chunk, err)
			}
		}
		adding.Lock()
		defer adding.Unlock()
		total.join(t)
		return nil
	})
	if err != nil {
		return Daily{}, err
	}
	out := Daily{Population: total.labels[storage.Seen].Users, SeenOnce: total.seenOnce, Labels: make([]LabelDays, 0, len(labels.Names()))}
	for _, name := range labels.Names() {
		l, _ := labels.Lookup(name)
		one := total.labels[l]
		one.Label, one.Days = name, total.window[int(l)*days:][:days:days]
		out.Labels = append(out.Labels, one)
	}
	return out, nil
}

// dailyTally is one worker's counts.
type dailyTally struct {
	today    storage.Day
	labels   []LabelDays // by number, without names and days
	window   []uint64    // the last days of each label
	days     int
	seenOnce uint64

	held                 []storage.Day
	allowed, carriers    block.Words
	seen, once, repeated block.Words
}

func newDailyTally(v *storage.View, days int) *dailyTally {
	n := v.Labels().Len()
	return &dailyTally{today: v.Stamp().Day, labels: make([]LabelDays, n), window: make([]uint64, n*days), days: days}
}

// add counts one chunk. Where nobody is masked, how many carry a label on a day is
// known without counting.
func (t *dailyTally) add(v *storage.View, read *storage.ChunkReader, chunk int, op permit.Operation) error {
	read.Open(chunk)
	t.allowed.Fill()
	permit.Allowed(v, chunk, op, &t.allowed)
	among := &t.allowed
	if permit.All(v, chunk, op) {
		among = nil
	}
	err := read.EachLabel(func(l storage.Label, parts []block.Part) {
		n, _ := howMany(parts, among, &t.carriers)
		t.labels[l].Users += uint64(n)
	})
	if err != nil {
		return err
	}
	t.once.Clear()
	t.repeated.Clear()
	t.held = read.Held(t.held[:0], t.today-storage.MaxRetention, t.today)
	for _, day := range t.held {
		err := read.EachLabelOn(day, func(l storage.Label, parts []block.Part) {
			if l == storage.Seen {
				t.see(parts)
			}
			n, _ := howMany(parts, among, &t.carriers)
			t.note(l, day, uint64(n))
		})
		if err != nil {
			return err
		}
	}
	t.once.AndNot(&t.repeated)
	t.once.And(&t.allowed)
	t.seenOnce += uint64(t.once.Count())
	return nil
}

// see notes who was there on one more day.
func (t *dailyTally) see(parts []block.Part) {
	t.seen.Unite(parts)
	both := t.once
	both.And(&t.seen)
	t.repeated.Or(&both)
	t.once.Or(&t.seen)
}

// note adds the users of a label on a day.
func (t *dailyTally) note(l storage.Label, day storage.Day, users uint64) {
	if users == 0 {
		return
	}
	t.labels[l].UserDays += users
	t.labels[l].Last = max(t.labels[l].Last, day)
	if ago := int(t.today - day); ago < t.days {
		t.window[int(l)*t.days+t.days-1-ago] += users
	}
}

func (t *dailyTally) join(o *dailyTally) {
	t.seenOnce += o.seenOnce
	for l := range o.labels {
		t.labels[l].Users += o.labels[l].Users
		t.labels[l].UserDays += o.labels[l].UserDays
		t.labels[l].Last = max(t.labels[l].Last, o.labels[l].Last)
	}
	for i, n := range o.window {
		t.window[i] += n
	}
}

// The rules of Silence and Doubled, in days and users.
const (
	steadyOf, steadyDays = 7, 5
	doubledOf            = 28
	// doubledKnown is how many of the days before a label must have been met on: a
	// new one always grows.
	doubledKnown = 7
	// doubledFloor is the least users that count as many: few vary by chance.
	doubledFloor = 50
	doubledTimes = 3
)

// DailyWindow is the number of days that Silence and Doubled look at.
const DailyWindow = doubledOf + 2

// Silence says for how many days, today included, nobody has got the label, and
// whether that is odd: over, for a day that is over, and today, for today, which
// may yet bring somebody. A day is odd where somebody got the label on five of
// the seven days before the silence, and on the last such weekday: a shop that is
// closed on Sundays is no alarm.
func (l LabelDays) Silence() (days int, over, today bool) {
	for days < len(l.Days) && l.before(days) == 0 {
		days++
	}
	met := 0
	for i := range steadyOf {
		if l.before(days+i) > 0 {
			met++
		}
	}
	if met < steadyDays {
		return days, false, false
	}
	for ago := range days {
		weekday := ago
		for weekday < days {
			weekday += 7
		}
		if l.before(weekday) > 0 {
			over, today = over || ago > 0, today || ago == 0
		}
	}
	return days, over, today
}

// Doubled reports whether yesterday or today brought more than three times the
// users of a usual day, the median of the 28 days before: perhaps a rule that
// matches too much, or a hit that is sent twice.
func (l LabelDays) Doubled() bool {
	usual := make([]uint64, 0, doubledOf)
	met := 0
	for i := range doubledOf {
		n := l.before(2 + i)
		if usual = append(usual, n); n > 0 {
			met++
		}
	}
	slices.Sort(usual)
	// Twice the median: the mean of the two in the middle.
	median2 := usual[doubledOf/2-1] + usual[doubledOf/2]
	most := max(l.before(0), l.before(1))
	return met >= doubledKnown && most >= doubledFloor && 2*most > doubledTimes*median2
}

// before returns the users of a day so many days ago.
func (l LabelDays) before(ago int) uint64 {
	if ago >= len(l.Days) {
		return 0
	}
	return l.Days[len(l.Days)-1-ago]
}
