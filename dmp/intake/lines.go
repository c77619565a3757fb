package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line read, in bytes. A longer one is a bad line, so
// that no file can make us hold more.
const maxLine = 64 << 10

// lines reads lines one by one and numbers them.
type lines struct {
	r *bufio.Reader
	n uint64
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine)} }

// Line is the number of the line that next read last.
func (l *lines) Line() uint64 { return l.n }

// next returns the next line that is not blank, without its end, to be changed
// at will until the next call.
func (l *lines) next() ([]byte, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		if len(line) > 0 {
			l.n++
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = l.r.ReadSlice('\n')
			}
			if err != nil && err != io.EOF {
				return nil, l.broken(err)
			}
			return nil, l.bad("it is longer than 64 KiB")
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, l.broken(err)
		}
		if l.n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			return line, nil
		}
	}
}

func (l *lines) broken(err error) error {
	return fmt.Errorf("read line %d: %w: %w", l.n+1, ErrInput, err)
}

func (l *lines) bad(format string, args ...any) *BadLine {
	return &BadLine{Line: l.n, Reason: fmt.Sprintf(format, args...)}
}
