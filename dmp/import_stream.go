package dmp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// An import crosses the socket in both directions at once. The question is a
// line of JSON, the ImportRequest, and behind it the file as it is. The answer
// is frames, the first while the file is still on its way:
//
//	receipt  'r'  uvarint length, JSON of Receipt: what is durable so far
//	end      'e'  uvarint length, JSON of Receipt: all of the file is
//	failure  'x'  uvarint length, JSON of failure: no more of it will be
const frameReceipt = 'r'

const (
	// importStallTimeout is how long the sender of a file may send none of it: a
	// pipe fills as its other end likes.
	importStallTimeout = 10 * time.Minute
	// importTellEvery is how often progress is sent at most.
	importTellEvery = 200 * time.Millisecond
	// importLastWords is how long a sender may take to read why it must stop.
	importLastWords = 5 * time.Second
	// importQuestionBytes is the longest line of a question.
	importQuestionBytes = 64 << 10
)

// streamImport answers until the file is in, or the server is stopping: an
// import can be repeated, so nobody waits for it.
func (d *DMP) streamImport(stopping context.Context, w http.ResponseWriter, r *http.Request) {
	deadline := http.NewResponseController(w)
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(stopping, func() { cancel(errStopping) })()
	// A sender that sends nothing must not hold what is to end.
	defer context.AfterFunc(ctx, func() { _ = deadline.SetReadDeadline(time.Now()) })()
	body := bufio.NewReaderSize(&movingReader{ctx: ctx, r: r.Body, deadline: deadline}, importQuestionBytes)
	request, err := readImportRequest(body)
	if err == nil {
		err = deadline.EnableFullDuplex()
	}
	if err != nil {
		answerJSON(w, func() (any, error) { return nil, err })
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	frames := &frameWriter{w: bufio.NewWriterSize(&movingWriter{w: w, deadline: deadline}, 64<<10)}
	var told time.Time
	receipt, err := d.Import(ctx, request, body, func(so Receipt) {
		if time.Since(told) < importTellEvery {
			return
		}
		told = time.Now()
		if err := frames.json(frameReceipt, so); err != nil {
			cancel(err)
		}
	})
	// A failure to send needs no answer: the reader sees no end frame.
	if err == nil {
		_ = frames.json(frameEnd, receipt)
		return
	}
	if context.Cause(ctx) == errStopping {
		err = &Error{Op: "import", Object: request.File, Err: errStopping, Hint: "When it runs again, import the file again: nothing counts twice."}
	}
	_ = frames.json(frameReceipt, receipt)
	_ = frames.json(frameFailure, failureOf(err))
	// The sender stops when it has read why. Until then its file is taken, or
	// closing the connection would take the answer from it.
	if err := deadline.SetReadDeadline(time.Now().Add(importLastWords)); err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// errStopping ends the imports and dumps of a server that is about to end.
var errStopping = errors.New("the server is stopping")

func readImportRequest(body *bufio.Reader) (q ImportRequest, err error) {
	line, err := body.ReadSlice('\n')
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&q)
	}
	if err != nil {
		return q, &Error{Op: "read", Object: "question", Err: caused{err, ErrRequest}}
	}
	return q, nil
}

// movingReader gives each read its own time-out: a file may take as long as it
// moves.
type movingReader struct {
	ctx      context.Context
	r        io.Reader
	deadline *http.ResponseController
}

func (m *movingReader) Read(p []byte) (int, error) {
	if err := m.deadline.SetReadDeadline(time.Now().Add(importStallTimeout)); err != nil {
		return 0, err
	}
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if err == io.EOF {
		// From here on the connection is only watched for its end, and a deadline
		// would look like one.
		if err := m.deadline.SetReadDeadline(time.Time{}); err != nil {
			return n, err
		}
	}
	return n, err
}

// Import sends a file to the server. When it fails, a read of the file that was
// under way may end only later; none begins after it has returned.
func (c *Client) Import(ctx context.Context, request ImportRequest, file io.Reader, progress ImportProgress) (so Receipt, err error) {
	question, err := json.Marshal(request)
	if err != nil {
		return so, c.wrap(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the sending when the server has said why it takes no more
	sent := &sentFile{ctx: ctx, r: io.MultiReader(bytes.NewReader(append(question, '\n')), file)}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sosie/v1/import", sent)
	if err != nil {
		return so, c.wrap(err)
	}
	body, err := c.do(r)
	if err == nil {
		defer body.Close()
		err = readReceipts(body, &so, progress)
	}
	if err == nil {
		return so, nil
	}
	if cause := sent.failed(); cause != nil {
		return so, &Error{Op: "read", Object: request.File, Err: cause}
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return so, c.wrap(err)
}

// readReceipts reads frames until the last, which it leaves in so.
func readReceipts(from io.Reader, so *Receipt, progress ImportProgress) error {
	frames := newFrameReader(from)
	for {
		kind, err := frames.kind()
		if err != nil {
			return err
		}
		text, err := frames.bytes()
		if err != nil {
			return err
		}
		switch kind {
		case frameReceipt, frameEnd:
			*so = Receipt{}
			if err := json.Unmarshal(text, so); err != nil {
				return cut(err)
			}
			if kind == frameEnd {
				return nil
			}
			if progress != nil {
				progress(*so)
			}
		case frameFailure:
			return readFailureFrame(text)
		default:
			return fmt.Errorf("%w: a frame of unknown kind %q", ErrCut, kind)
		}
	}
}

// sentFile keeps why a file could not be read, which the connection's own error
// would hide.
type sentFile struct {
	ctx context.Context
	r   io.Reader
	mu  sync.Mutex
	err error
}

func (s *sentFile) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *sentFile) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
