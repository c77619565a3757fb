package block

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a block as a map: label to users.
type model map[uint32]map[uint16]bool

func (m model) keys() []Key {
	var keys []Key
	for label, users := range m {
		for low := range users {
			keys = append(keys, MakeKey(label, low))
		}
	}
	slices.Sort(keys)
	return keys
}

func (m model) put(label uint32, low uint16) {
	if m[label] == nil {
		m[label] = map[uint16]bool{}
	}
	m[label][low] = true
}

// randomModel draws labels from rare to dense, so that every payload occurs.
func randomModel(r *rand.Rand) model {
	m := model{}
	for range r.IntN(6) {
		label := uint32(r.IntN(12))
		if r.IntN(5) == 0 {
			label = r.Uint32()
		}
		n := 1 << r.IntN(14)
		base := r.IntN(Users)
		for range n {
			if r.IntN(2) == 0 {
				m.put(label, uint16(base+r.IntN(n)))
			} else {
				m.put(label, uint16(r.IntN(Users)))
			}
		}
	}
	return m
}

func build(keys []Key) *Block {
	var bl Builder
	b, _ := bl.Merge(nil, slices.Clone(keys))
	return b
}

func check(t *testing.T, b *Block, want model) {
	t.Helper()
	n := 0
	for label, users := range want {
		var w Words
		b.Or(&w, label)
		if w.Count() != len(users) {
			t.Fatalf("label %d has %d users, want %d", label, w.Count(), len(users))
		}
		for low := range users {
			if !w.Has(low) || !b.Has(label, low) {
				t.Fatalf("label %d lacks user %d", label, low)
			}
		}
		n += len(users)
	}
	if b.Entries() != n {
		t.Fatalf("block has %d entries, want %d", b.Entries(), n)
	}
	if b == nil {
		return
	}
	decoded, err := Decode(b.AppendEncoded(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(decoded.AppendEncoded(nil), b.AppendEncoded(nil)) {
		t.Fatal("a block changed by encoding it")
	}
}

func TestMergeAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var bl Builder
		var b *Block
		want := model{}
		for range 4 {
			more := randomModel(r)
			fresh := 0
			for label, users := range more {
				for low := range users {
					if !want[label][low] {
						fresh++
						want.put(label, low)
					}
				}
			}
			next, added := bl.Merge(b, more.keys())
			if len(added) != fresh {
				t.Fatalf("seed %d: %d keys were new, want %d", seed, len(added), fresh)
			}
			if fresh == 0 && next != b {
				t.Fatalf("seed %d: a merge without new keys made another block", seed)
			}
			b = next
			check(t, b, want)
		}
	}
}

func TestUnionAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		var drop *Words
		if r.IntN(2) == 0 {
			drop = &Words{}
			for range 30000 {
				drop.Set(uint16(r.IntN(Users)))
			}
		}
		want := model{}
		var blocks []*Block
		refused := uint32(r.IntN(12))
		for range r.IntN(5) {
			m := randomModel(r)
			blocks = append(blocks, build(m.keys()))
			for label, users := range m {
				for low := range users {
					if label != refused && (drop == nil || !drop.Has(low)) {
						want.put(label, low)
					}
				}
			}
		}
		var bl Builder
		check(t, bl.Union(blocks, func(_ int, label uint32) bool { return label != refused }, drop), want)
	}
}

func TestToggleAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		want := randomModel(r)
		b := build(want.keys())
		var bl Builder
		for range 3 {
			label := uint32(r.IntN(12))
			var add, remove Words
			for range r.IntN(9000) {
				low := uint16(r.IntN(Users))
				if r.IntN(2) == 0 {
					add.Set(low)
					remove.Unset(low)
					want.put(label, low)
				} else {
					remove.Set(low)
					add.Unset(low)
					delete(want[label], low)
				}
			}
			b = bl.Toggle(b, label, &add, &remove)
			check(t, b, want)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	good := build(randomModel(rand.New(rand.NewPCG(5, 5))).keys()).AppendEncoded(nil)
	for i := 0; i < len(good)*8; i += 1 + len(good)/200 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := Decode(bad); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: error %v, want ErrCorrupt", i, err)
		}
	}
}

// FuzzDecode lets the checksum pass, so that the structure itself is tested.
func FuzzDecode(f *testing.F) {
	f.Add(build([]Key{MakeKey(1, 2), MakeKey(1, 3), MakeKey(9, 65535)}).AppendEncoded(nil))
	f.Add(build(randomModel(rand.New(rand.NewPCG(6, 6))).keys()).AppendEncoded(nil))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if len(encoded) < 4 {
			return
		}
		b, err := Decode(checksummed(encoded[:len(encoded)-4]))
		if err != nil {
			return
		}
		var w Words
		for i := range b.Len() {
			w.Clear()
			b.OrAt(&w, i)
			if w.Count() != b.Card(i) {
				t.Fatalf("label %d: %d users, the index says %d", b.Label(i), w.Count(), b.Card(i))
			}
		}
		if !bytes.Equal(b.AppendEncoded(nil)[:8], encoded[:8]) {
			t.Fatal("header changed")
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	for _, events := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(benchName("events", events), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			today := build(zipfKeys(r, 87_000))
			more := zipfKeys(r, events)
			var bl Builder
			scratch := make([]Key, len(more))
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, more)
				bl.Merge(today, scratch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
		})
	}
}

func BenchmarkUnion(b *testing.B) {
	for _, days := range []int{2, 30, 395} {
		b.Run(benchName("days", days), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			var blocks []*Block
			for range days {
				blocks = append(blocks, build(zipfKeys(r, 2_600_000/days)))
			}
			var bl Builder
			b.ReportAllocs()
			for b.Loop() {
				bl.Union(blocks, nil, nil)
			}
		})
	}
}

func TestSort(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		keys := make([]Key, r.IntN(4*fewKeys))
		for i := range keys {
			keys[i] = Key(r.Uint64() >> r.IntN(60) >> 16)
		}
		want := slices.Compact(slices.Sorted(slices.Values(keys)))
		var bl Builder
		if got := bl.Sort(keys); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d keys are not sorted", seed, len(keys))
		}
	}
}

func BenchmarkSort(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(benchName("keys", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			keys := make([]Key, n)
			for i := range keys {
				keys[i] = MakeKey(uint32(r.IntN(1000)), uint16(r.IntN(Users)))
			}
			scratch := make([]Key, n)
			var bl Builder
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, keys)
				bl.Sort(scratch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}
