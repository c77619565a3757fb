package dump

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"sosie/storage/device"
)

// handOver is how many bytes may wait in memory for the device: a dump that hands
// over much at once holds up the hits that sync meanwhile, and so would a sync of
// its own, which has the file system settle its journal.
const handOver = 256 << 10

// output is a file in the making, summed as it is written.
type output struct {
	file    File
	os      *os.File
	hash    hash.Hash
	pace    *pace
	waiting int
}

func create(dir string, f File, p *pace) (*output, error) {
	file, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(f.Name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &output{file: f, os: file, hash: sha256.New(), pace: p}, nil
}

// Write writes and sums.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.os.Write(p)
	o.hash.Write(p[:n])
	o.file.Size += int64(n)
	if err != nil {
		return n, err
	}
	o.pace.wrote(n)
	if o.waiting += n; o.waiting >= handOver {
		o.waiting = 0
		return n, device.StartWriting(o.os)
	}
	return n, nil
}

// line writes a value as one line of JSON.
func (o *output) line(v any) error {
	text, err := encodeLine(v)
	if err == nil {
		_, err = o.Write(text)
	}
	return err
}

func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// finish makes the file durable and says what was written.
func (o *output) finish() (File, error) {
	o.file.SHA256 = hex.EncodeToString(o.hash.Sum(nil))
	return o.file, errors.Join(o.os.Sync(), o.os.Close())
}

func (o *output) abort() error { return o.os.Close() }

// compress writes zstd in the caller's goroutine, so that pace holds for it too.
func compress(w io.Writer) (*zstd.Encoder, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
}
