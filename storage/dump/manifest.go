package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sosie/storage"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrNoDump means a directory that holds no complete dump.
	ErrNoDump = errors.New("no dump")
	// ErrDamaged means a dump that is not what was written.
	ErrDamaged = errors.New("dump is damaged")
	// ErrFormat means a dump of a format that this version does not know.
	ErrFormat = errors.New("unknown format of dump")
	// ErrExists means a directory that is in the way.
	ErrExists = errors.New("directory is not empty")
)

// format is the layout of the directory, drawn in doc.go.
const format = 1

const (
	sumsFile     = "SHA256SUMS"
	manifestFile = "manifest.json"
	labelsFile   = "labels.ndjson"
	docsFile     = "documents.ndjson"
	masksFile    = "masks.tar"
	partial      = ".partial"
)

// What a file holds.
const (
	HoldsLabels    = "labels"
	HoldsDocuments = "documents"
	HoldsMasks     = "masks"
	HoldsBitmaps   = "bitmaps" // of one day
	HoldsIDs       = "ids"     // of one space
	HoldsKeys      = "keys"    // in a form that is not this package's
)

// Manifest says what a dump is of.
type Manifest struct {
	Format int `json:"format"`
	// Product is the program that wrote the dump, with its version.
	Product string `json:"product"`
	// At is when the state of the dump was published.
	At    time.Time     `json:"at"`
	Store storage.About `json:"store"`
	Files []File        `json:"files"`
}

// File is one file of a dump.
type File struct {
	// Name is the path below the directory, with slashes.
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Holds is what it is: labels, documents, masks, bitmaps, ids or keys.
	Holds string `json:"holds"`
	// Rows is the number of lines, or of members of an archive.
	Rows int64 `json:"rows"`
	// Users is, for bitmaps and masks, the sum of their users.
	Users int64 `json:"users,omitempty"`
	// Day is the day of bitmaps.
	Day storage.Day `json:"day,omitempty"`
	// Space is the id space of ids.
	Space string `json:"space,omitempty"`
}

// Size is the bytes of all files.
func (m *Manifest) Size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Find returns the file that holds something there is but one of; nil when there
// is none.
func (m *Manifest) Find(holds string) *File {
	for i := range m.Files {
		if m.Files[i].Holds == holds {
			return &m.Files[i]
		}
	}
	return nil
}

// Progress is told how much is done of what is to do, and the users or bytes so
// far. It may be nil.
type Progress = func(done, total int, n uint64)

// sums is the text of SHA256SUMS, which follows from the manifest.
func (m *Manifest) sums(manifestSum string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %s\n", manifestSum, manifestFile)
	for _, f := range m.Files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA256, f.Name)
	}
	return b.Bytes()
}

// Read reads the manifest of a dump and checks it against its sum, but no other
// file. The errors are ErrNoDump, ErrFormat and ErrDamaged.
func Read(dir string) (*Manifest, error) {
	m, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("read dump %s: %w", dir, err)
	}
	return m, nil
}

func read(dir string) (*Manifest, error) {
	sums, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrNoDump, sumsFile)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrNoDump, manifestFile)
	}
	if err != nil {
		return nil, err
	}
	return parseManifest(text, sums)
}

func parseManifest(text, sums []byte) (*Manifest, error) {
	sum := sha256.Sum256(text)
	hexSum := hex.EncodeToString(sum[:])
	if !bytes.HasPrefix(sums, []byte(hexSum+"  "+manifestFile+"\n")) {
		return nil, fmt.Errorf("%w: %s is not the one that %s knows", ErrDamaged, manifestFile, sumsFile)
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, manifestFile, err)
	}
	if version.Format != format {
		return nil, fmt.Errorf("%w: %d, this version reads %d: use the version that wrote it", ErrFormat, version.Format, format)
	}
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, manifestFile, err)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) {
			return nil, fmt.Errorf("%w: %s names %q, outside the dump", ErrDamaged, manifestFile, f.Name)
		}
	}
	if !bytes.Equal(m.sums(hexSum), sums) {
		return nil, fmt.Errorf("%w: %s does not say what %s says", ErrDamaged, sumsFile, manifestFile)
	}
	return &m, nil
}

// Check reads every file of a dump and compares it with its sum. The errors are
// those of Read.
func Check(ctx context.Context, dir string, progress Progress) (*Manifest, error) {
	m, err := Read(dir)
	if err != nil {
		return nil, err
	}
	var bytes uint64
	for i, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("check dump %s: %w", dir, err)
		}
		if progress != nil {
			progress(i, len(m.Files), bytes)
		}
		if err := f.check(dir); err != nil {
			return nil, fmt.Errorf("check dump %s: %s: %w", dir, f.Name, err)
		}
		bytes += uint64(f.Size)
	}
	return m, nil
}

func (f File) check(dir string) error {
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Name)))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: the file is missing", ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, file)
	if err != nil {
		return err
	}
	if n != f.Size || hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %d bytes with another sum than the %d that were written", ErrDamaged, n, f.Size)
	}
	return nil
}
