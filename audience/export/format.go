package export

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Stdout is the path that means standard output.
const Stdout = "-"

// Format is how users are written.
type Format struct {
	// Lines is "csv" or "ndjson".
	Lines string
	// Compression is "", "gzip" or "zstd".
	Compression string
}

// FormatOf returns the format that a file name names; case does not matter.
func FormatOf(path string) (Format, error) {
	if path == Stdout {
		return Format{Lines: "csv"}, nil
	}
	name := strings.ToLower(filepath.Base(path))
	var f Format
	for suffix, compression := range map[string]string{".gz": "gzip", ".zst": "zstd"} {
		if rest, ok := strings.CutSuffix(name, suffix); ok {
			name, f.Compression = rest, compression
			break
		}
	}
	switch filepath.Ext(name) {
	case ".csv":
		f.Lines = "csv"
	case ".ndjson", ".jsonl":
		f.Lines = "ndjson"
	default:
		return Format{}, fmt.Errorf("export to %q: %w: name the file .csv, .ndjson or .jsonl, and add .gz or .zst to compress it", path, ErrFormat)
	}
	return f, nil
}

// String returns the format as "csv" or "ndjson+gzip".
func (f Format) String() string {
	if f.Compression == "" {
		return f.Lines
	}
	return f.Lines + "+" + f.Compression
}

// compress returns a writer whose Close ends the compressed stream and leaves
// w open.
func (f Format) compress(w io.Writer) (io.WriteCloser, error) {
	switch f.Compression {
	case "gzip":
		return gzip.NewWriter(w), nil
	case "zstd":
		return zstd.NewWriter(w)
	}
	return plain{w}, nil
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }
