package intake

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// source is a file on its way in: unpacked where its first bytes say that it is
// packed, counted before and summed after that. So the checksum is of what the
// file says, however it is packed.
type source struct {
	packed  *counter
	content io.Reader
	sum     hash.Hash
	close   func()
}

// maxWindow bounds what a packed file can make zstd hold, in bytes.
const maxWindow = 128 << 20

// unpack looks at the first bytes of a file. The caller closes the source.
// Reading ends with ctx.
func unpack(ctx context.Context, file io.Reader) (*source, error) {
	s := &source{packed: &counter{ctx: ctx, r: file}, sum: sha256.New(), close: func() {}}
	r := bufio.NewReaderSize(s.packed, 256<<10)
	magic, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read file: %w: %w", ErrInput, err)
	}
	s.content = r
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if s.content, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("unpack gzip: %w: %w", ErrInput, err)
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpack zstd: %w: %w", ErrInput, err)
		}
		s.content, s.close = z, z.Close
	}
	return s, nil
}

// Read reads the unpacked file.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.content.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

// checksum is the SHA-256 of all that was read.
func (s *source) checksum() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// counter counts the bytes read of a file. The count may be read at any time.
type counter struct {
	ctx context.Context
	r   io.Reader
	n   atomic.Int64
}

// Read reads on, unless the import was told to end.
func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
