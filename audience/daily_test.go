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

func TestSteady(t *testing.T) {
	for _, row := range []struct {
		label LabelDays
		ago   int
		want  bool
	}{
		{month(10), 0, true},
		{month(10, 0), 0, true},
		{month(10, 0, 0, 0), 0, true},
		{month(10, 0, 0, 0, 0), 0, false},
		{month(10, 0, 0, 0, 0), 1, true}, // as of yesterday two days of seven are missing
		{month(0, 1, 1, 1, 1, 1, 0), 0, true},
		{month(0, 1, 1, 1, 1, 0), 0, false},
		{LabelDays{Days: []uint64{1, 2}}, 0, false},
	} {
		if got := row.label.Steady(row.ago); got != row.want {
			t.Errorf("%v, %d days ago: steady %v, want %v", row.label.Days, row.ago, got, row.want)
		}
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
