package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/commitlog"
	"sosie/storage/device"
)

// DefaultReserve is the free room, in bytes, below which nothing is written
// unless Options say otherwise.
const DefaultReserve = 512 << 20

// Options configure a store.
type Options struct {
	// Dir is the data directory; it is created when missing.
	Dir string
	// ID names a store that is being created; empty means a random one. For an
	// existing store it is ignored.
	ID string
	// Memory is the budget of the whole process in bytes; 0 means no limit.
	// Sealed days that do not fit are streamed from disk, the oldest first.
	Memory int64
	// Reserve is the free room in bytes kept on the device; 0 means
	// DefaultReserve. Too little and a full disk kills the process inside
	// Badger; at least 128 MiB is wise.
	Reserve int64
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// PublishEvery is how old an answer's view may be; 0 means one second.
	PublishEvery time.Duration
	// CheckpointEvery is how much of the log a restart may have to replay;
	// 0 means one minute.
	CheckpointEvery time.Duration
	// Unsynced acknowledges before the device has the data: a power cut then
	// loses it. Only the control of a power-cut test wants that.
	Unsynced bool

	// step is called before each step on disk; its error ends the work there.
	step func(name string) error
	// settle replaces settleSize.
	settle int
	// free replaces the question for free room.
	free func(path string) (int64, error)
}

// Store is the open data directory: a log, a view, and ids. All methods may be
// called concurrently.
type Store struct {
	options Options
	clock   func() time.Time
	about   identity
	log     *commitlog.Log
	db      *badger.DB
	ids     *IDs

	current    atomic.Pointer[View]
	dictionary atomic.Pointer[Labels]
	declaring  sync.Mutex
	spaces     spaces
	documents  Documents
	leases     leases
	claims     claims
	meetings   meetings

	asks    chan ask
	readers atomic.Int32 // open snapshots
	stop    chan struct{}
	folded  chan struct{} // closed when the fold has ended
	ended   sync.Once
	endErr  error

	sealedBytes atomic.Int64

	statusMu   sync.Mutex
	saveErr    error // why the last checkpoint failed
	rollErr    error // why sealing or expiring failed
	foldErr    error // why nothing can be folded any more
	resident   int64
	evictBelow Day
	state      cursor // as of the newest view
	savedSeq   uint64 // batch up to which a restart need not replay
}

const (
	identityFile = "store.json"
	logDir       = "log"
	storeDir     = "store"
)

// The formats of a store. One that was restored has epochs, and a version that
// does not know of them must not accept its cookies.
const (
	firstFormat   = 1
	epochsFormat  = 2
	currentFormat = epochsFormat
)

// Exists reports whether dir holds a store.
func Exists(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for store %s: %w", dir, err)
	}
	return true, nil
}

// Open opens the store in a directory, or creates one, and folds what its log
// still holds. When it returns, everything ever acknowledged is in the view.
func Open(options Options) (*Store, error) {
	s, err := open(options)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", options.Dir, err)
	}
	return s, nil
}

func open(options Options) (*Store, error) {
	options = options.normal()
	s := &Store{
		options: options,
		clock:   options.Clock,
		asks:    make(chan ask),
		stop:    make(chan struct{}),
		folded:  make(chan struct{}),
	}
	s.claims.byNonce = map[uint64]claim{}
	s.spaces.byName = map[string]Space{}
	s.documents.store = s
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, err
	}
	fresh, err := s.identify()
	if err != nil {
		return nil, err
	}
	if err := checkFiles(options.Dir, fresh); err != nil {
		return nil, err
	}
	db, err := badger.Open(storeOptions(filepath.Join(options.Dir, storeDir)))
	if err != nil {
		if strings.Contains(err.Error(), "Cannot acquire directory lock") {
			return nil, ErrLocked
		}
		return nil, err
	}
	s.db = db
	s.ids = &IDs{db: db, fresh: map[string][]holder{}, pages: map[uint64]idPage{}}
	f := newFold(s)
	err = s.start(f)
	if err == nil && fresh {
		err = s.baptize(f)
	}
	if err != nil {
		if s.log != nil {
			s.log.Close()
		}
		db.Close()
		return nil, err
	}
	go f.run()
	return s, nil
}

func (o Options) normal() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Reserve == 0 {
		o.Reserve = DefaultReserve
	}
	if o.PublishEvery == 0 {
		o.PublishEvery = time.Second
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = time.Minute
	}
	if o.settle == 0 {
		o.settle = settleSize
	}
	if o.free == nil {
		o.free = device.Free
	}
	return o
}

// start loads the store directory and replays the log.
func (s *Store) start(f *fold) error {
	if err := f.load(); err != nil {
		return err
	}
	log, err := commitlog.Open(filepath.Join(s.options.Dir, logDir), f.cursor.Seq, commitlog.Options{Room: s.room, Unsynced: s.options.Unsynced})
	if err != nil {
		return err
	}
	s.log = log
	f.refresh()
	if err := f.fatal(); err != nil {
		return err
	}
	s.dictionary.Store(f.dictionary)
	s.documents.now = f.documents
	s.leases.next, s.leases.leased = f.cursor.Leased, f.cursor.Leased
	f.rollDue = true
	return nil
}

// storeOptions are Badger's options for the directory of ids, blocks and
// state. Writes are few and large and each is synced, so that the cursor can
// trust them; caches would hold what memory holds already.
func storeOptions(dir string) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(nil).
		WithSyncWrites(true).
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
		WithValueLogFileSize(16 << 20).
		WithCompactL0OnClose(true)
}

// writeFileSynced writes a file so that a crash leaves all of it or nothing.
func writeFileSynced(path string, text []byte) error {
	aside := path + ".new"
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Append makes records durable, all or none, and returns the sequence of the
// batch they are in. They show in views within Options.PublishEvery. The
// errors are ErrFull, which passes when there is room again, ErrFuture, and
// ErrStopped, which does not pass.
func (s *Store) Append(r *Records) (uint64, error) { return s.append(r, s.log.Append) }

// AppendPatiently is Append for work in the background, such as an import,
// which then makes way for what others append; see Pace.
func (s *Store) AppendPatiently(r *Records) (uint64, error) {
	return s.append(r, s.log.AppendPatiently)
}

func (s *Store) append(r *Records, to func([]byte) (uint64, error)) (uint64, error) {
	if r.last > DayOf(s.clock())+1 {
		return 0, fmt.Errorf("append records: %w: %s", ErrFuture, r.last)
	}
	seq, err := to(r.buf)
	if errors.Is(err, commitlog.ErrBroken) || errors.Is(err, commitlog.ErrClosed) {
		return 0, fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return seq, err
}

// room returns ErrFull when free space is below the reserve.
func (s *Store) room() error {
	free, err := s.options.free(s.options.Dir)
	if err != nil {
		return err
	}
	if free < s.options.Reserve {
		return fmt.Errorf("%w: %d MiB free on the device of %s, %d MiB are kept in reserve: free some room, or lower the reserve",
			ErrFull, free>>20, s.options.Dir, s.options.Reserve>>20)
	}
	return nil
}

func (s *Store) step(name string) error {
	if s.options.step == nil {
		return nil
	}
	return s.options.step(name)
}

// Broken returns why nothing is acknowledged any more until a restart, or nil.
func (s *Store) Broken() error { return s.log.Broken() }

// View returns the newest snapshot. It never changes and needs no closing.
func (s *Store) View() *View { return s.current.Load() }

// Sync returns when everything appended before the call shows in View.
func (s *Store) Sync() error { return s.ask(askPublish) }

// Checkpoint saves everything folded so far and trims the log.
func (s *Store) Checkpoint() error { return s.ask(askCheckpoint) }

// Seal turns all days but today into sealed ones now, rather than at midnight:
// for the end of an import.
func (s *Store) Seal() error { return s.ask(askSeal) }

func (s *Store) ask(what askKind) error { return s.askFor(ask{what: what}) }

func (s *Store) askFor(a ask) error {
	a.done = make(chan error, 1)
	select {
	case s.asks <- a:
	case <-s.folded:
		return ErrStopped
	}
	select {
	case err := <-a.done:
		return err
	case <-s.folded:
		return ErrStopped
	}
}

// ConfirmClock says that a jump of the clock, which Status warns of, is right:
// deletion by retention goes on from the day seen last.
func (s *Store) ConfirmClock() error {
	var r Records
	r.horizon(DayOf(s.clock()))
	_, err := s.Append(&r)
	return err
}

// ID is the store's name, random at its birth; a directory of keys remembers
// whose it is.
func (s *Store) ID() string { return s.about.ID }

// Close saves, and closes the directory. It waits for nobody: end what appends
// first.
func (s *Store) Close() error {
	s.ended.Do(func() {
		gaveBack := s.giveBack()
		close(s.stop)
		<-s.folded
		if errors.Is(gaveBack, ErrFull) || errors.Is(gaveBack, ErrStopped) {
			gaveBack = nil // a gap of ordinals, nothing more
		}
		s.endErr = errors.Join(gaveBack, s.log.Close(), s.db.Close())
	})
	return s.endErr
}
