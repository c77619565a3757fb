package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sosie/storage"
	"sosie/storage/block"
)

// TestByteCounter counts random days beside a plain array, up to the most days that a
// question can name.
func TestByteCounter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var counted byteCounter
	for _, days := range []int{1, 2, 30, 127, 128, 129, 260, 400} {
		for _, atLeast := range []int{2, 3, 7, 127, 128} {
			var want [block.Users]int
			counted.reset(atLeast)
			for range days {
				var day block.Words
				for range r.IntN(300) {
					day.Set(uint16(r.IntN(1 + r.IntN(block.Users))))
				}
				for low := range uint16(50) { // whom every day has
					day.Set(low)
				}
				var users []uint16
				day.Each(func(low uint16) { users = append(users, low); want[low]++ })
				if r.IntN(4) == 0 {
					counted.addWords(&day)
				} else {
					counted.add(users)
				}
			}
			var got block.Words
			counted.result(&got)
			for low, n := range want {
				if got.Has(uint16(low)) != (n >= atLeast) {
					t.Fatalf("%d days, at least %d: user %d with %d days is counted %v", days, atLeast, low, n, n < atLeast)
				}
			}
		}
	}
}

// TestBothCountersAgree counts the days of one label both ways, one of the days in
// two parts that share users, as what came in since it was settled does.
func TestBothCountersAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	read := dayLists{}
	for day := range storage.Day(40) {
		parts := 1
		if day == 39 {
			parts = 2
		}
		for range parts {
			var list []uint16
			for range 200 {
				list = append(list, uint16(r.IntN(1_000)))
			}
			slices.Sort(list)
			read[day] = append(read[day], slices.Compact(list))
		}
	}
	c := &cursor{read: read}
	for _, atLeast := range []int{2, 3, 9, 40, 128} {
		f := &frequency{tags: []tag{{dated: true, from: 0, to: 39}}, to: 39, atLeast: atLeast}
		var byBytes, byPlanes block.Words
		if err := f.set(c, &byBytes); err != nil || !f.byBytes(c.parts) {
			t.Fatalf("at least %d: %v, or the bytes are not used", atLeast, err)
		}
		f.countPlanes(c, &byPlanes)
		if byBytes != byPlanes {
			t.Errorf("at least %d: %d users by bytes, %d by planes", atLeast, byBytes.Count(), byPlanes.Count())
		}
	}
}

// dayLists is a chunk of one label: the lists of users of each day.
type dayLists map[storage.Day][][]uint16

func (dayLists) Open(int) {}

func (dayLists) Any(parts []block.Part, _ storage.Label) ([]block.Part, error) { return parts, nil }

func (d dayLists) Days(parts []block.Part, _ storage.Label, first, last storage.Day) ([]block.Part, error) {
	for day := first; day <= last; day++ {
		for _, list := range d[day] {
			var keys []block.Key
			for _, low := range list {
				keys = append(keys, block.MakeKey(0, low))
			}
			var build block.Builder
			one, _ := build.Merge(nil, keys)
			parts = append(parts, one.PartAt(0))
		}
	}
	return parts, nil
}

func (d dayLists) Held(days []storage.Day, first, last storage.Day) []storage.Day {
	for day := first; day <= last; day++ {
		days = append(days, day)
	}
	return days
}

func (dayLists) Streamed() int { return 0 }

// BenchmarkCountingDays shows where bytes win over planes, and that it does not
// where days have many users.
func BenchmarkCountingDays(b *testing.B) {
	const days = 30
	for _, users := range []int{10, 100, 1_000, 4_000} {
		r := rand.New(rand.NewPCG(1, 1))
		lists := make([][]uint16, days)
		for i := range lists {
			for range users {
				lists[i] = append(lists[i], uint16(r.IntN(block.Users)))
			}
			slices.Sort(lists[i])
			lists[i] = slices.Compact(lists[i])
		}
		var dst block.Words
		b.Run(fmt.Sprintf("bytes/users=%d", users), func(b *testing.B) {
			var counted byteCounter
			for b.Loop() {
				counted.reset(3)
				for _, list := range lists {
					counted.add(list)
				}
				counted.result(&dst)
			}
		})
		b.Run(fmt.Sprintf("planes/users=%d", users), func(b *testing.B) {
			f := &frequency{atLeast: 3}
			c := new(cursor)
			for b.Loop() {
				c.used = 0
				n := f.newCounter(c, &dst)
				day := c.take()
				for _, list := range lists {
					if len(list) < few {
						n.addFew(list)
						continue
					}
					day.Clear()
					for _, low := range list {
						day.Set(low)
					}
					n.add(day)
				}
			}
		})
	}
}
