package partner

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ReceiptLife is how long a batch's receipt is kept.
const ReceiptLife = 24 * time.Hour

const (
	receiptsDir    = "receipts"
	receiptsSuffix = ".ndjson"
	// hourLayout names the files, one an hour.
	hourLayout = "2006-01-02T15"
	// maxReceiptBytes bounds what the receipts of a grant take in memory: two small
	// batches a second, all day. Each grant has its own, so that nobody can use up
	// another's.
	maxReceiptBytes = 32 << 20
	// pruneEvery is how seldom receipts are looked through for old ones while a grant
	// has too many.
	pruneEvery = time.Minute
	// receiptCost is about what a receipt takes besides its text.
	receiptCost = 128
)

// The errors of receipts.begin.
var (
	errOtherBody    = errors.New("the key was sent before, with another batch")
	errUnderWay     = errors.New("a batch with this key is under way")
	errReceiptsFull = errors.New("as many batches were sent with this token in a day as can be remembered")
)

// hash is the start of a SHA-256.
type hash [16]byte

// batchID says which batch it is: whose, its key, and what it holds.
type batchID struct {
	grant     string
	key, body hash
}

// identify hashes a batch with all that changes its meaning.
func identify(grant string, key []byte, site string, none, ndjson bool, body []byte) (id batchID) {
	sum := func(body []byte, parts ...string) (h hash) {
		s := sha256.New()
		for _, part := range parts {
			fmt.Fprintf(s, "%d %s ", len(part), part)
		}
		s.Write(body)
		copy(h[:], s.Sum(nil))
		return h
	}
	return batchID{grant: grant, key: sum(key, grant), body: sum(body, site, fmt.Sprint(none, ndjson))}
}

// receipts are those of the last 24 hours.
type receipts struct {
	dir   string
	clock func() time.Time

	mu       sync.Mutex
	byKey    map[hash]keptReceipt
	bytes    map[string]int // by grant
	pruned   time.Time
	underWay map[hash]bool
	hour     string // of file
	file     *os.File
}

type keptReceipt struct {
	grant string
	body  hash
	at    time.Time
	text  []byte
}

func (k keptReceipt) cost() int { return len(k.text) + receiptCost }

// receiptLine is a receipt on disk.
type receiptLine struct {
	Grant   string          `json:"grant"`
	Key     string          `json:"key"`
	Body    string          `json:"body"`
	At      time.Time       `json:"at"`
	Receipt json.RawMessage `json:"receipt"`
}

// openReceipts reads what is kept in a data directory.
func openReceipts(data string, clock func() time.Time) (*receipts, error) {
	r := &receipts{dir: filepath.Join(data, receiptsDir), clock: clock, byKey: map[hash]keptReceipt{}, bytes: map[string]int{}, underWay: map[hash]bool{}}
	err := os.MkdirAll(r.dir, 0o700)
	if err == nil {
		err = r.eachFile(r.load)
	}
	if err != nil {
		return nil, fmt.Errorf("open receipts: %w", err)
	}
	return r, nil
}

// eachFile calls fn for each file that is young enough, and removes the others.
func (r *receipts) eachFile(fn func(path string) error) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(r.dir, entry.Name())
		hour, err := time.Parse(hourLayout, strings.TrimSuffix(entry.Name(), receiptsSuffix))
		switch {
		case err != nil:
			continue // not ours
		case r.clock().Sub(hour) > ReceiptLife+time.Hour:
			err = os.Remove(path)
		default:
			err = fn(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// load reads one file. A line that a crash cut off is left out: its batch was not
// answered.
func (r *receipts) load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l receiptLine
		var id batchID
		if json.Unmarshal(lines.Bytes(), &l) != nil || !unhex(&id.key, l.Key) || !unhex(&id.body, l.Body) {
			continue
		}
		id.grant = l.Grant
		r.remember(id, l.At, bytes.Clone(l.Receipt))
	}
	return lines.Err()
}

func unhex(h *hash, text string) bool {
	if len(text) != 2*len(h) {
		return false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return err == nil
}

func (r *receipts) remember(id batchID, at time.Time, text []byte) {
	r.forget(id.key)
	kept := keptReceipt{id.grant, id.body, at, text}
	r.byKey[id.key] = kept
	r.bytes[id.grant] += kept.cost()
}

// forget lets go of a receipt, if there is one.
func (r *receipts) forget(key hash) {
	kept, ok := r.byKey[key]
	if !ok {
		return
	}
	delete(r.byKey, key)
	if r.bytes[kept.grant] -= kept.cost(); r.bytes[kept.grant] == 0 {
		delete(r.bytes, kept.grant)
	}
}

// prune lets go of what has become too old.
func (r *receipts) prune(now time.Time) {
	r.pruned = now
	for key, kept := range r.byKey {
		if now.Sub(kept.at) > ReceiptLife {
			r.forget(key)
		}
	}
}

// full reports whether a grant has as many receipts as may be.
func (r *receipts) full(grant string) bool { return r.bytes[grant] >= maxReceiptBytes }

// begin returns the receipt of a batch that was answered before, or nil, which
// keeps the key for the caller until keep or cancel.
func (r *receipts) begin(id batchID) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay[id.key] {
		return nil, errUnderWay
	}
	now := r.clock()
	if kept, ok := r.byKey[id.key]; ok && now.Sub(kept.at) <= ReceiptLife {
		if kept.body != id.body {
			return nil, errOtherBody
		}
		return kept.text, nil
	}
	// Keeping a receipt prunes, but a full grant gets none kept until it has.
	if r.full(id.grant) && now.Sub(r.pruned).Abs() >= pruneEvery {
		r.prune(now)
	}
	if r.full(id.grant) {
		return nil, errReceiptsFull
	}
	r.underWay[id.key] = true
	return nil, nil
}

// cancel gives a key back whose batch was not answered.
func (r *receipts) cancel(id batchID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.underWay, id.key)
}

// keep makes the receipt of a batch durable. An error leaves the key to cancel.
func (r *receipts) keep(id batchID, at time.Time, text []byte) error {
	line, _ := json.Marshal(receiptLine{id.grant, hex.EncodeToString(id.key[:]), hex.EncodeToString(id.body[:]), at, text}) // always marshals
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.turn()
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil { // the next receipt must not join a torn line: opening the file ends it
		return fmt.Errorf("keep receipt: %w", errors.Join(err, r.closeFile()))
	}
	r.remember(id, at, text)
	delete(r.underWay, id.key)
	return nil
}

// turn opens the file of the hour, and lets go of what has become too old.
func (r *receipts) turn() error {
	now := r.clock().UTC()
	hour := now.Format(hourLayout)
	if r.file != nil && hour == r.hour {
		return nil
	}
	if err := r.closeFile(); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(r.dir, hour+receiptsSuffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n") // ends a line that a crash cut off
	if err == nil {
		err = syncDir(r.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r.file, r.hour = f, hour
	r.prune(now)
	return r.eachFile(func(string) error { return nil })
}

// syncDir makes the names of a directory's files durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (r *receipts) closeFile() (err error) {
	if r.file != nil {
		err = r.file.Close()
		r.file = nil
	}
	return err
}

func (r *receipts) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closeFile()
}
