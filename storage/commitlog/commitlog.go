// Package commitlog makes records durable in batches and hands them back in
// order. How that happens is nobody else's business.
//
// Group commit is natural: there is one committer, a batch is one value in one
// Badger transaction with SyncWrites, and whatever gathers while it is being
// written is the next batch. No timer and no second committer: Badger syncs
// per transaction, so several would only queue behind each other.
//
// An Append returns when its batch is on the device. After a failed sync
// nothing is acknowledged any more: what is on disk is then unknown until a
// restart reads it.
//
//	key    u64  sequence of the batch, big-endian
//	value  u8   version, 1
//	       per record: uvarint length, bytes
//	       u32  CRC-32C of all before it
package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrClosed means that the log has been closed.
	ErrClosed = errors.New("log is closed")
	// ErrBroken means that a commit failed: nothing is acknowledged any more.
	ErrBroken = errors.New("log stopped after a failed commit; restart to recover what is on disk")
	// ErrTooLarge means a record that no batch can hold.
	ErrTooLarge = errors.New("record is too large")
	// ErrCorrupt means a batch that fails its checksum or its format.
	ErrCorrupt = errors.New("corrupt batch")
)

const (
	version = 1
	// maxBatch bounds a batch, and so how much may wait: below Badger's limit
	// for a value inside the tree (1 MB).
	maxBatch = 768 << 10
	// maxTail bounds the batches kept in memory for the reader.
	maxTail = 32 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Options configure a log.
type Options struct {
	// Room is asked before each commit; its error refuses the batch, and the
	// next batch asks again.
	Room func() error
	// Unsynced acknowledges before the device has the batch: a power cut then
	// loses data. Only the control of a power-cut test wants that.
	Unsynced bool
}

// Log is an append-only sequence of batches. All methods may be called
// concurrently; Read and Trim from one goroutine at a time.
type Log struct {
	db   *badger.DB
	room func() error

	mu      sync.Mutex
	work    sync.Cond // the committer waits for a batch
	space   sync.Cond // appenders wait for the next batch
	filling *batch
	spare   [][]byte
	last    uint64 // sequence of the newest durable batch
	errand  func() // done by the committer between two batches
	broken  error
	closed  bool
	done    chan struct{}

	tail      []Batch // newest batches, ascending, without gaps up to last
	tailBytes int
	appended  uint64

	trimmed uint64 // sequences up to it are gone

	latency latency

	resting atomic.Bool
	woken   chan struct{}

	hasty atomic.Int64 // Unix nanoseconds of the newest commit that somebody waited for
}

type batch struct {
	buf []byte
	n   int
	// hasty says that somebody waits for one of the records.
	hasty bool
	begun time.Time // when its first record came
	seq   uint64
	err   error
	done  chan struct{}
}

// Batch is what was committed together.
type Batch struct {
	Seq   uint64
	value []byte
}

// Open opens or creates the log in dir. Sequences start after the given one,
// or after the newest batch found.
func Open(dir string, after uint64, options Options) (*Log, error) {
	opt := badger.DefaultOptions(dir).
		WithLogger(nil).
		WithSyncWrites(!options.Unsynced).
		WithCompression(0).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithMetricsEnabled(false).
		WithDetectConflicts(false).
		WithMemTableSize(16 << 20).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(6).
		WithValueLogFileSize(16 << 20)
	db, err := badger.Open(opt)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l := &Log{db: db, room: options.Room, last: after, done: make(chan struct{}), latency: newLatency(), woken: make(chan struct{}, 1)}
	l.work.L, l.space.L = &l.mu, &l.mu
	l.filling = newBatch(nil)
	if err := l.bounds(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	go l.commit()
	return l, nil
}

// bounds finds the oldest and the newest batch.
func (l *Log) bounds() error {
	return l.db.View(func(txn *badger.Txn) error {
		options := badger.IteratorOptions{}
		it := txn.NewIterator(options)
		it.Seek(key(1)) // past the scratch key that a crash in Compact may have left
		if it.Valid() {
			l.trimmed = binary.BigEndian.Uint64(it.Item().Key()) - 1
		} else {
			l.trimmed = l.last
		}
		it.Close()
		options.Reverse = true
		it = txn.NewIterator(options)
		defer it.Close()
		it.Rewind()
		if it.Valid() {
			l.last = max(l.last, binary.BigEndian.Uint64(it.Item().Key()))
		}
		return nil
	})
}

func newBatch(buf []byte) *batch {
	return &batch{buf: append(buf[:0], version), done: make(chan struct{})}
}

// Append adds one record, atomically, and returns the sequence of its batch
// when it is on the device. The record is copied. It waits while the batch
// being filled is full.
func (l *Log) Append(record []byte) (uint64, error) { return l.append(record, true) }

// AppendPatiently is Append for work in the background, of which LastHasty says
// nothing.
func (l *Log) AppendPatiently(record []byte) (uint64, error) { return l.append(record, false) }

// LastHasty is when something was last appended that somebody waits for.
func (l *Log) LastHasty() time.Time { return time.Unix(0, l.hasty.Load()) }

func (l *Log) append(record []byte, hasty bool) (uint64, error) {
	if len(record) > maxBatch-64 {
		return 0, fmt.Errorf("append record of %d bytes: %w: at most %d", len(record), ErrTooLarge, maxBatch-64)
	}
	l.mu.Lock()
	for l.err() == nil && len(l.filling.buf)+len(record)+16 > maxBatch {
		l.space.Wait()
	}
	if err := l.err(); err != nil {
		l.mu.Unlock()
		return 0, fmt.Errorf("append record: %w", err)
	}
	b := l.filling
	b.buf = binary.AppendUvarint(b.buf, uint64(len(record)))
	b.buf = append(b.buf, record...)
	b.n++
	b.hasty = b.hasty || hasty
	if b.n == 1 {
		b.begun = time.Now()
		l.work.Signal()
	}
	l.mu.Unlock()
	<-b.done
	return b.seq, b.err
}

// err says why nothing can be appended any more. The lock is held.
func (l *Log) err() error {
	if l.broken != nil {
		return l.broken
	}
	if l.closed {
		return ErrClosed
	}
	return nil
}

// commit is the one committer.
func (l *Log) commit() {
	defer close(l.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.filling.n == 0 && !l.closed && l.errand == nil {
			l.work.Wait()
		}
		if errand := l.errand; errand != nil {
			l.errand = nil
			l.mu.Unlock()
			errand()
			l.mu.Lock()
			continue
		}
		b := l.filling
		if b.n == 0 {
			return
		}
		var buf []byte
		if n := len(l.spare); n > 0 {
			buf, l.spare = l.spare[n-1], l.spare[:n-1]
		}
		l.filling = newBatch(buf)
		l.space.Broadcast()
		b.seq, b.err = l.last+1, l.broken
		l.mu.Unlock()
		if b.hasty {
			l.hasty.Store(time.Now().UnixNano())
		}
		refused := false
		if b.err == nil && l.room != nil {
			b.err = l.room()
			refused = b.err != nil
		}
		if b.err == nil {
			b.buf = binary.LittleEndian.AppendUint32(b.buf, crc32.Checksum(b.buf, castagnoli))
			b.err = l.write(b)
		}
		l.mu.Lock()
		switch {
		case b.err == nil:
			l.last = b.seq
			l.appended += uint64(len(b.buf))
			l.remember(Batch{Seq: b.seq, value: b.buf})
			if b.hasty {
				now := time.Now()
				l.latency.add(now.Sub(b.begun), b.n, now)
			}
		case !refused && l.broken == nil:
			l.broken = fmt.Errorf("%w: %w", ErrBroken, b.err)
			b.err = l.broken
		}
		close(b.done)
		if l.resting.Load() && l.resting.CompareAndSwap(true, false) {
			select {
			case l.woken <- struct{}{}:
			default: // a word is there that nobody has taken yet
			}
		}
	}
}

// Rest asks for a word on Woken when a batch is committed after a sequence; false
// means that there is one already. The committer says it once, so that a reader
// that looks often enough while batches come, and rests when none do, costs no
// append anything.
func (l *Log) Rest(after uint64) bool {
	select {
	case <-l.woken:
	default:
	}
	l.resting.Store(true)
	return l.Last() <= after || !l.resting.CompareAndSwap(true, false)
}

// Woken tells a reader that rests of the first batch.
func (l *Log) Woken() <-chan struct{} { return l.woken }

func (l *Log) write(b *batch) error {
	txn := l.db.NewTransaction(true)
	defer txn.Discard()
	if err := txn.Set(key(b.seq), b.buf); err != nil {
		return err
	}
	return txn.Commit()
}

func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// remember keeps a batch in memory for the reader, within bounds. What falls
// out is read from Badger.
func (l *Log) remember(b Batch) {
	l.tail = append(l.tail, b)
	l.tailBytes += len(b.value)
	for l.tailBytes > maxTail {
		l.tailBytes -= len(l.tail[0].value)
		l.tail[0] = Batch{}
		l.tail = l.tail[1:]
	}
}

// Next returns the batch that follows a sequence; ok is false when there is
// none yet. A batch already trimmed is an error.
func (l *Log) Next(after uint64) (b Batch, ok bool, err error) {
	l.mu.Lock()
	last := l.last
	if after >= last {
		l.mu.Unlock()
		return Batch{}, false, nil
	}
	if len(l.tail) > 0 && l.tail[0].Seq <= after+1 {
		b = l.tail[after+1-l.tail[0].Seq]
		l.mu.Unlock()
		return b, true, nil
	}
	l.mu.Unlock()
	err = l.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key(after + 1))
		if err != nil {
			return err
		}
		b.Seq = after + 1
		b.value, err = item.ValueCopy(nil)
		return err
	})
	if err == nil {
		err = b.check()
	}
	if err != nil {
		return Batch{}, false, fmt.Errorf("read log batch %d: %w", after+1, err)
	}
	return b, true, nil
}

// Verify reads every batch after a sequence from the device, calls fn for each
// of their records, and returns how many batches there are. A gap is an error.
func (l *Log) Verify(after uint64, fn func(record []byte) error) (batches int, err error) {
	for seq, last := after+1, l.Last(); seq <= last; seq++ {
		err := l.db.View(func(txn *badger.Txn) error {
			item, err := txn.Get(key(seq))
			if err != nil {
				return err
			}
			return item.Value(func(value []byte) error {
				b, err := Parse(seq, value)
				if err != nil {
					return err
				}
				return b.Each(fn)
			})
		})
		if err != nil {
			return batches, fmt.Errorf("verify log batch %d of %d: %w", seq, last, err)
		}
		batches++
	}
	return batches, nil
}

// Forget gives the memory of a batch back that Next returned: it and all
// before it will not be asked for again.
func (l *Log) Forget(b Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.tail) > 0 && l.tail[0].Seq <= b.Seq {
		value := l.tail[0].value
		l.tailBytes -= len(value)
		l.tail[0] = Batch{}
		l.tail = l.tail[1:]
		if len(l.spare) < 4 {
			l.spare = append(l.spare, value)
		}
	}
}

// Parse reads a batch as it lies on the device, which is not copied. The error
// is ErrCorrupt.
func Parse(seq uint64, value []byte) (Batch, error) {
	b := Batch{Seq: seq, value: value}
	if err := b.check(); err != nil {
		return Batch{}, fmt.Errorf("read log batch %d: %w", seq, err)
	}
	return b, nil
}

func (b Batch) check() error {
	end := len(b.value) - 4
	if end < 1 || b.value[0] != version {
		return fmt.Errorf("%w: unknown version", ErrCorrupt)
	}
	if crc32.Checksum(b.value[:end], castagnoli) != binary.LittleEndian.Uint32(b.value[end:]) {
		return fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	return nil
}

// Each calls fn for every record of the batch in the order of appending. The
// record is valid until the batch is given to Forget.
func (b Batch) Each(fn func(record []byte) error) error {
	rest := b.value[1 : len(b.value)-4]
	for len(rest) > 0 {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return fmt.Errorf("read log batch %d: %w: a record is cut short", b.Seq, ErrCorrupt)
		}
		if err := fn(rest[used : used+int(n)]); err != nil {
			return err
		}
		rest = rest[used+int(n):]
	}
	return nil
}

// Last is the sequence of the newest durable batch.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Appended is the number of bytes of all batches committed since Open.
func (l *Log) Appended() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

// Broken returns the failed commit after which nothing is acknowledged, or nil.
func (l *Log) Broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// trimStep bounds the deletes of one transaction, so that trimming holds up no
// commit for long.
const trimStep = 2000

// Trim removes the batches up to and including a sequence.
func (l *Log) Trim(upto uint64) error {
	upto = min(upto, l.Last())
	for l.trimmed < upto {
		end := min(upto, l.trimmed+trimStep)
		txn := l.db.NewTransaction(true)
		for seq := l.trimmed + 1; seq <= end; seq++ {
			if err := txn.Delete(key(seq)); err != nil {
				txn.Discard()
				return fmt.Errorf("trim log up to %d: %w", upto, err)
			}
		}
		if err := txn.Commit(); err != nil {
			return fmt.Errorf("trim log up to %d: %w", upto, err)
		}
		l.trimmed = end
	}
	return nil
}

// Close commits what was appended and closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.work.Signal()
	l.space.Broadcast()
	l.mu.Unlock()
	<-l.done
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
