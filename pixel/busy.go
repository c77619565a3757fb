package pixel

import (
	"sync/atomic"

	"sosie/storage"
	"sosie/storage/block"
)

// busyUsers counts the hits of each user of a day, to find robots that no agent
// gives away: more hits a day than a person makes.
//
// Counts are exact, so the limit is. A user takes two bytes, in a piece of 128
// KiB for each chunk that was met today: 20 MB for ten million active users, of
// the 113 bytes that their labels take. One byte would need a rule for what lies
// above 255, and a table for it whose size strangers decide.
//
// Days change with the first hit of the next; a process that starts again counts
// from zero, so a robot may make up to the limit again before it is marked.
type busyUsers struct {
	limit uint16 // 0 counts nothing
	today atomic.Pointer[busyDay]
}

// maxBusy is the highest limit; the count above it stands for a marked user.
const (
	maxBusy = 1<<16 - 2
	marked  = 1<<16 - 1
)

// busyDay is the counts of one day by chunk.
type busyDay struct {
	day    storage.Day
	chunks [1 << 16]atomic.Pointer[busyChunk]
}

// busyChunk is the counts of a chunk's users, two in a word.
type busyChunk [block.Users / 2]atomic.Uint32

// exceeds counts a hit and reports whether it is the first above the limit of
// its day, whose user is to be marked. If the mark could not be recorded, call
// retry.
func (b *busyUsers) exceeds(u storage.Ordinal, day storage.Day) bool {
	if b.limit == 0 {
		return false
	}
	today := b.of(day)
	if today == nil {
		return false
	}
	word, shift := today.word(u)
	for {
		old := word.Load()
		count := old >> shift & marked
		if count == marked {
			return false
		}
		next := count + 1
		if count >= uint32(b.limit) {
			next = marked
		}
		if word.CompareAndSwap(old, old&^(marked<<shift)|next<<shift) {
			return next == marked
		}
	}
}

// retry forgets that a user was marked: the next hit is above the limit again.
func (b *busyUsers) retry(u storage.Ordinal, day storage.Day) {
	today := b.of(day)
	if today == nil {
		return
	}
	word, shift := today.word(u)
	for {
		old := word.Load()
		if word.CompareAndSwap(old, old&^(marked<<shift)|uint32(b.limit)<<shift) {
			return
		}
	}
}

// of returns the counts of a day, new ones where it is another than before; nil
// for a hit of the day before that was still under way at midnight.
func (b *busyUsers) of(day storage.Day) *busyDay {
	for {
		today := b.today.Load()
		switch {
		case today != nil && today.day == day:
			return today
		case today != nil && today.day == day+1:
			return nil
		}
		b.today.CompareAndSwap(today, &busyDay{day: day})
	}
}

// word returns where the count of a user is.
func (d *busyDay) word(u storage.Ordinal) (word *atomic.Uint32, shift int) {
	at := &d.chunks[u.Chunk()]
	counts := at.Load()
	if counts == nil {
		at.CompareAndSwap(nil, new(busyChunk))
		counts = at.Load()
	}
	return &counts[u.Low()/2], int(u.Low()%2) * 16
}
