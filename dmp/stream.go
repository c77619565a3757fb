package dmp

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sosie/audience/export"
)

// An export crosses the socket as frames. Names are bytes, not text, hence no
// JSON; and the end is a frame of its own, so that a stream that breaks is
// never taken for a short one.
//
//	name      'n'  uvarint length, that many bytes
//	progress  'p'  uvarint chunks done, uvarint total, uvarint users
//	end       'e'  uvarint length, JSON of the result: all names were sent
//	failure   'x'  uvarint length, JSON of failure: what was sent is worthless
const (
	frameName     = 'n'
	frameProgress = 'p'
	frameEnd      = 'e'
	frameFailure  = 'x'
)

// maxFrame is the longest name or JSON in a frame, in bytes.
const maxFrame = 1 << 20

// frameWriter writes frames; it is an export.Writer.
type frameWriter struct {
	w   *bufio.Writer
	buf []byte
}

// Write sends one name.
func (f *frameWriter) Write(name []byte) error {
	return f.bytes(frameName, name)
}

func (f *frameWriter) bytes(kind byte, b []byte) error {
	if len(b) > maxFrame {
		return fmt.Errorf("frame of %d bytes: at most %d", len(b), maxFrame)
	}
	f.buf = binary.AppendUvarint(append(f.buf[:0], kind), uint64(len(b)))
	if _, err := f.w.Write(f.buf); err != nil {
		return err
	}
	_, err := f.w.Write(b)
	return err
}

func (f *frameWriter) progress(done, total int, users uint64) error {
	f.buf = append(f.buf[:0], frameProgress)
	for _, n := range []uint64{uint64(done), uint64(total), users} {
		f.buf = binary.AppendUvarint(f.buf, n)
	}
	if _, err := f.w.Write(f.buf); err != nil {
		return err
	}
	return f.w.Flush()
}

func (f *frameWriter) json(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := f.bytes(kind, text); err != nil {
		return err
	}
	return f.w.Flush()
}

// readFrames hands the names of a stream to a writer until its end. ErrCut
// means a stream that broke.
func readFrames(from io.Reader, to export.Writer, progress Progress) (Export, error) {
	var result Export
	err := readAnswer(from, to, progress, &result)
	return result, err
}

// readAnswer reads a stream whose end is the JSON of a result. One without names
// needs no writer.
func readAnswer(from io.Reader, to export.Writer, progress Progress, result any) error {
	r := newFrameReader(from)
	for {
		kind, err := r.kind()
		if err != nil {
			return err
		}
		if kind == frameProgress {
			var n [3]uint64
			for i := range n {
				if n[i], err = binary.ReadUvarint(r.r); err != nil {
					return cut(err)
				}
			}
			if progress != nil {
				progress(int(n[0]), int(n[1]), n[2])
			}
			continue
		}
		buf, err := r.bytes()
		if err != nil {
			return err
		}
		switch kind {
		case frameName:
			if to == nil {
				return fmt.Errorf("%w: a name where none is due", ErrCut)
			}
			if err := to.Write(buf); err != nil {
				return err
			}
		case frameEnd:
			if err := json.Unmarshal(buf, result); err != nil {
				return cut(err)
			}
			return nil
		case frameFailure:
			return readFailureFrame(buf)
		default:
			return fmt.Errorf("%w: a frame of unknown kind %q", ErrCut, kind)
		}
	}
}

// frameReader reads frames.
type frameReader struct {
	r   *bufio.Reader
	buf []byte
}

func newFrameReader(from io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(from, 256<<10)}
}

// kind begins a frame. ErrCut means a stream that broke.
func (f *frameReader) kind() (byte, error) {
	kind, err := f.r.ReadByte()
	if err != nil {
		return 0, cut(err)
	}
	return kind, nil
}

// bytes reads what a frame holds, which is valid until the next call.
func (f *frameReader) bytes() ([]byte, error) {
	size, err := binary.ReadUvarint(f.r)
	if err != nil {
		return nil, cut(err)
	}
	if size > maxFrame {
		return nil, fmt.Errorf("%w: a frame claims %d bytes", ErrCut, size)
	}
	if uint64(cap(f.buf)) < size {
		f.buf = make([]byte, size)
	}
	f.buf = f.buf[:size]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return nil, cut(err)
	}
	return f.buf, nil
}

func readFailureFrame(text []byte) error {
	var f failure
	if err := json.Unmarshal(text, &f); err != nil {
		return cut(err)
	}
	return f.err()
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return fmt.Errorf("%w: %w", ErrCut, err)
}
