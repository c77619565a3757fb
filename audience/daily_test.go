package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sosie/audience/permit"
	"sosie/storage"
)

// daily is what CountDaily should answer, in plain loops.
func (m *model) daily(names []string, days int) Daily {
	var out Daily
	for _, name := range names {
		one := LabelDays{Label: name, Days: make([]uint64, days)}
		for u := range m.users {
			if m.masked[storage.Erased][u] || m.masked[storage.OptedOut][u] {
				continue
			}
			held := m.days(u, &Label{Name: name}, m.today, storage.MaxRetention)
			if len(held) > 0 {
				one.Users++
			}
			if name == "seen" && len(held) == 1 {
				out.SeenOnce++
			}
			for d := range held {
				one.UserDays++
				one.Last = max(one.Last, d)
				if ago := int(m.today - d); ago < days {
					one.Days[days-1-ago]++
				}
			}
		}
		if name == "seen" {
			out.Population = one.Users
		}
		out.Labels = append(out.Labels, one)
	}
	return out
}

// TestDailyOfRandomHistories compares with plain maps over months of hits, late
// ones too, masks, erasures, changed retentions, midnights, restarts.
func TestDailyOfRandomHistories(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			l := newLife(t, 7000+seed)
			defer func() { l.must(l.store.Close()) }()
			for range 160 {
				l.step()
			}
			l.check(func(v *storage.View) error {
				got, err := CountDaily(t.Context(), v, 30, permit.Count)
				if err != nil {
					return err
				}
				if d := cmp.Diff(l.model.daily(v.Labels().Names(), 30), got); d != "" {
					return fmt.Errorf("daily differs: %s", d)
				}
				return nil
			})
		})
	}
}

// month makes the days of a label: older first, today last.
func month(usual uint64, last ...uint64) LabelDays {
	days := slices.Repeat([]uint64{usual}, DailyWindow)
	copy(days[len(days)-len(last):], last)
	return LabelDays{Days: days}
}

func TestSilence(t *testing.T) {
	week := func(days ...uint64) LabelDays { // again and again, up to today
		l := LabelDays{Days: slices.Repeat(days, 5)}
		l.Days = l.Days[len(l.Days)-DailyWindow:]
		return l
	}
	for _, row := range []struct {
		label       LabelDays
		days        int
		over, today bool
	}{
		{month(10), 0, false, false},
		{month(10, 0), 1, false, true},
		{month(10, 0, 0, 0, 0), 4, true, true},
		{month(10, make([]uint64, 20)...), 20, true, true},
		{month(0), DailyWindow, false, false},
		{month(0, 1, 1, 1, 0, 1, 1, 1, 0, 0), 2, true, true},  // the second day was missed
		{month(0, 1, 0, 1, 0, 1, 0, 1, 0), 1, false, false},   // every second day
		{week(5, 5, 5, 5, 5, 0, 0), 2, false, false},          // a weekend
		{week(0, 5, 5, 5, 5, 5, 0), 1, false, false},          // its first day
		{week(0, 0, 5, 5, 5, 5, 5), 0, false, false},          // a Friday
		{LabelDays{Days: []uint64{1, 2, 0}}, 1, false, false}, // too new to say
		{LabelDays{}, 0, false, false},
	} {
		days, over, today := row.label.Silence()
		if days != row.days || over != row.over || today != row.today {
			t.Errorf("%v: silent for %d days, odd before %v and today %v; want %d, %v, %v", row.label.Days, days, over, today, row.days, row.over, row.today)
		}
	}
	monday := week(5, 5, 5, 5, 5, 0, 0) // after a weekend nobody comes
	monday.Days = append(monday.Days, 0)
	if days, over, today := monday.Silence(); days != 3 || over || !today {
		t.Errorf("on Monday: silent for %d days, odd before %v and today %v", days, over, today)
	}
}

func TestDoubled(t *testing.T) {
	for _, row := range []struct {
		label LabelDays
		want  bool
	}{
		{month(100), false},
		{month(100, 301), true},
		{month(100, 300), false},
		{month(100, 301, 10), true}, // yesterday
		{month(100, 301, 0, 0), false},
		{month(1, 49), false}, // too few to mean anything
		{month(1, 50), true},
		{month(0, 500, 500), false}, // new
		{month(0, 1, 1, 1, 1, 1, 1, 1, 0, 50), true},
		{LabelDays{}, false},
	} {
		if got := row.label.Doubled(); got != row.want {
			t.Errorf("%v: doubled %v, want %v", row.label.Days, got, row.want)
		}
	}
}

// BenchmarkCountDaily counts a month of a thousand labels.
func BenchmarkCountDaily(b *testing.B) {
	for _, users := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			s := openStore(b)
			fillMonth(b, s, users)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := CountDaily(b.Context(), s.View(), DailyWindow, permit.Count); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fillMonth makes users who come every third day and get four labels then, of a
// thousand that are not equally frequent.
func fillMonth(b *testing.B, s *storage.Store, users int) {
	specs := make([]storage.LabelSpec, 1000)
	for i := range specs {
		specs[i].Name = fmt.Sprintf("interest/%d", i)
	}
	labels, err := s.Declare(specs...)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	frequent := rand.NewZipf(r, 1.1, 10, uint64(len(labels)-1))
	var batch storage.Records
	for day := storage.DayOf(noon) - DailyWindow + 1; day <= storage.DayOf(noon); day++ {
		for u := range users {
			if r.IntN(3) > 0 {
				continue
			}
			batch.Hit(storage.Ordinal(u), day, labels[frequent.Uint64()], labels[frequent.Uint64()], labels[frequent.Uint64()], labels[frequent.Uint64()])
			if batch.Len() < 1<<18 {
				continue
			}
			if _, err := s.Append(&batch); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	if _, err := s.Append(&batch); err != nil {
		b.Fatal(err)
	}
	if err := s.Seal(); err != nil {
		b.Fatal(err)
	}
}
