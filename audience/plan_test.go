package audience

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// population fills a store with users of 20 of 100 labels each, on two days of
// the last 30.
func population(b *testing.B, size int) *storage.Store {
	b.Helper()
	s := openStore(b)
	specs := make([]storage.LabelSpec, 100)
	for i := range specs {
		specs[i].Name = fmt.Sprintf("interest/%d", i)
	}
	labels, err := s.Declare(specs...)
	if err != nil {
		b.Fatal(err)
	}
	r := seeded(1)
	zipf := rand.NewZipf(r, 1.1, 1, uint64(len(labels)-1))
	today := storage.DayOf(noon)
	var batch storage.Records
	for u := range size {
		for range 2 {
			carried := make([]storage.Label, 20)
			for i := range carried {
				carried[i] = labels[zipf.Uint64()]
			}
			batch.Hit(storage.Ordinal(u), today-storage.Day(r.IntN(30)), carried...)
		}
		if u%1000 == 999 || u == size-1 {
			if _, err := s.Append(&batch); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	// Sealed days are what most answers read.
	if err := s.Seal(); err != nil {
		b.Fatal(err)
	}
	return s
}

const (
	tenLabels = "interest/1 and (interest/5 or interest/8) and (interest/11 or interest/12 or interest/20) and not (interest/30 or interest/40 or interest/50) and not interest/60"
	sevenDays = "interest/1 within 7d and (interest/5 or interest/8) within 7d and (interest/11 or interest/12 or interest/20) within 7d and not (interest/30 or interest/40 or interest/50) within 7d and not interest/60 within 7d"
)

func BenchmarkCount(b *testing.B) {
	for _, size := range []int{1e3, 1e5, 1e6} {
		s := population(b, size)
		v := s.View()
		for _, row := range []struct{ name, source string }{{"any", tenLabels}, {"7d", sevenDays}, {"prefix", "interest/*"}, {"not", "not interest/1"}} {
			set := compiled(b, v, row.source)
			b.Run(fmt.Sprintf("users=%d/%s", size, row.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Count(context.Background(), set); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkChunk(b *testing.B) {
	s := population(b, block.Users)
	v := s.View()
	for _, row := range []struct{ name, source string }{{"any", tenLabels}, {"7d", sevenDays}} {
		set := compiled(b, v, row.source)
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			var w block.Words
			for b.Loop() {
				if err := set.Chunk(&w, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEach(b *testing.B) {
	for _, chunks := range []int{1, 15, 150} {
		b.Run(fmt.Sprintf("chunks=%d", chunks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Each(context.Background(), numbered{chunks: chunks}, func(int, *block.Words) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func compiled(b *testing.B, v *storage.View, source string) Set {
	e, err := Parse(source)
	if err != nil {
		b.Fatal(err)
	}
	set, _, err := Compile(v, e, nil)
	if err != nil {
		b.Fatal(err)
	}
	return Permitted(set, v, permit.Count)
}
