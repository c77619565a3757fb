// Package replay sends a real access log through the pixel and knows, by brute
// force, what must have been stored.
//
// Each host of the log is a browser with a cookie jar of its own; each request
// that is not a medium becomes one hit, labelled with the page's top folder. The
// expectation shares no code with the engine: a host that comes once stays
// pending and is nobody, a host that returns is one user with the labels of all
// its hits, the first one included. The gotcha: hits belong to the day they are
// sent, not to the day of the log; a replay that runs into midnight spreads over
// two days, which no expression without a one-day window can tell.
package replay

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrLog means a line that is not of the log's format.
var ErrLog = errors.New("bad access log")

// Visit is one request of the log that is worth a hit.
type Visit struct {
	At   time.Time
	Host string
	// Label is what the hit brings, made from the URL by LabelOf.
	Label string
}

// media are the endings of what pages fetch by themselves.
var media = []string{".gif", ".jpg", ".jpeg", ".xbm", ".png", ".bmp", ".mpg", ".mpeg", ".wav", ".ico"}

// Media reports whether the URL names an image, film or sound rather than a
// page.
func Media(url string) bool {
	url = strings.ToLower(url)
	for _, ending := range media {
		if strings.HasSuffix(url, ending) {
			return true
		}
	}
	return false
}

// LabelOf makes the label of a page: `page/` and the URL's top folder in lower
// case, everything outside [a-z0-9_-] turned into a hyphen, at most 64 bytes. A
// page in no folder is `page/root`.
func LabelOf(url string) string {
	path, _, _ := strings.Cut(url, "?")
	top, _, inFolder := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !inFolder || top == "" {
		return "page/root"
	}
	clean := []byte(strings.ToLower(top))
	for i, c := range clean {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			clean[i] = '-'
		}
	}
	return "page/" + string(clean[:min(len(clean), 64)])
}

// Open opens a log, unpacking it if its name ends in .gz.
func Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return f, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open log %s: %w", path, err), f.Close())
	}
	return &unpacked{z, f}, nil
}

type unpacked struct {
	*gzip.Reader
	file *os.File
}

func (u *unpacked) Close() error { return errors.Join(u.Reader.Close(), u.file.Close()) }

// Read returns the log's visits in its order. A line holds, separated by tabs:
// unix time, host, method, URL, status, bytes. Lines that start with # are
// comments. The method is not looked at: everything is replayed as a GET.
func Read(r io.Reader) ([]Visit, error) {
	var visits []Visit
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 6 {
			return nil, fmt.Errorf("read line %d: %w: %d fields, want 6 separated by tabs", n, ErrLog, len(fields))
		}
		seconds, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read line %d: %w: time %q is not in unix seconds", n, ErrLog, fields[0])
		}
		if !Media(fields[3]) {
			visits = append(visits, Visit{At: time.Unix(seconds, 0).UTC(), Host: fields[1], Label: LabelOf(fields[3])})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return visits, nil
}
