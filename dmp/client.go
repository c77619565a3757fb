package dmp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"sosie/audience/export"
	"sosie/audience/segments"
	"sosie/dmp/access"
)

// Client asks the server that runs on a data directory. Its methods are safe
// for concurrent use.
type Client struct {
	data string
	http *http.Client
}

// dialTimeout is how long a server may take to accept, which it does unless the
// machine is stuck.
const dialTimeout = 2 * time.Second

// Dial finds the server of a data directory. ErrNotRunning means that there is
// none.
func Dial(ctx context.Context, data string) (*Client, error) {
	dial := func(ctx context.Context) (net.Conn, error) {
		dialer := net.Dialer{Timeout: dialTimeout}
		return dialSocket(func(network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}, data)
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.Close(); err != nil {
		return nil, &Error{Op: "connect", Object: data, Err: err}
	}
	return &Client{data: data, http: &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		IdleConnTimeout: time.Minute,
	}}}, nil
}

// Count asks for the users an expression means.
func (c *Client) Count(ctx context.Context, expression string) (Count, error) {
	return askFor[Count](ctx, c, pathCount, question{Expression: expression})
}

// Explain asks how an expression is evaluated.
func (c *Client) Explain(ctx context.Context, expression string) (Explanation, error) {
	return askFor[Explanation](ctx, c, pathExplain, question{Expression: expression})
}

// Overlap asks what expressions have in common.
func (c *Client) Overlap(ctx context.Context, expressions []string) (Overlap, error) {
	return askFor[Overlap](ctx, c, pathOverlap, question{Expressions: expressions})
}

// Affinity asks what an expression has to do with every label.
func (c *Client) Affinity(ctx context.Context, expression string) (Affinity, error) {
	return askFor[Affinity](ctx, c, pathAffinity, question{Expression: expression})
}

// SizeByDay asks for the sizes of an expression as of several days.
func (c *Client) SizeByDay(ctx context.Context, expression string, days int) (SizeByDay, error) {
	return askFor[SizeByDay](ctx, c, pathSizeByDay, question{Expression: expression, Days: days})
}

// Segments asks for the saved segments.
func (c *Client) Segments(ctx context.Context) ([]SavedSegment, error) {
	return askFor[[]SavedSegment](ctx, c, pathListSegments, shelfOrder{})
}

// Segment asks for one saved segment.
func (c *Client) Segment(ctx context.Context, name string) (SavedSegment, error) {
	return askFor[SavedSegment](ctx, c, pathShowSegment, shelfOrder{Name: name})
}

// SaveSegment has a segment kept.
func (c *Client) SaveSegment(ctx context.Context, segment segments.Segment, replace bool) (SavedSegment, error) {
	return askFor[SavedSegment](ctx, c, pathSaveSegment, shelfOrder{Segment: segment, Replace: replace})
}

// CopySegment has a segment copied.
func (c *Client) CopySegment(ctx context.Context, from, to string) (SavedSegment, error) {
	return askFor[SavedSegment](ctx, c, pathCopySegment, shelfOrder{Name: from, To: to})
}

// RenameSegment has a segment renamed.
func (c *Client) RenameSegment(ctx context.Context, from, to string) error {
	_, err := askFor[struct{}](ctx, c, pathRenameSegment, shelfOrder{Name: from, To: to})
	return err
}

// DeleteSegment has a segment deleted.
func (c *Client) DeleteSegment(ctx context.Context, name string) error {
	_, err := askFor[struct{}](ctx, c, pathDeleteSegment, shelfOrder{Name: name})
	return err
}

// Labels asks for the labels and how they are doing.
func (c *Client) Labels(ctx context.Context, prefix string) (Labels, error) {
	return askFor[Labels](ctx, c, pathListLabels, labelsQuestion{Prefix: prefix})
}

// PublishSegment has a segment published.
func (c *Client) PublishSegment(ctx context.Context, name, to string) (SavedSegment, error) {
	return askFor[SavedSegment](ctx, c, pathPublishSegment, shelfOrder{Name: name, To: to})
}

// UnpublishSegment has a segment unpublished.
func (c *Client) UnpublishSegment(ctx context.Context, name, to string) (SavedSegment, error) {
	return askFor[SavedSegment](ctx, c, pathUnpublishSegment, shelfOrder{Name: name, To: to})
}

// DeleteLabel has a label ended.
func (c *Client) DeleteLabel(ctx context.Context, name string) error {
	_, err := askFor[struct{}](ctx, c, pathDeleteLabel, shelfOrder{Name: name})
	return err
}

// CreateToken has a token made.
func (c *Client) CreateToken(ctx context.Context, grant access.Grant) (NewToken, error) {
	return askFor[NewToken](ctx, c, pathCreateToken, grant)
}

// Tokens asks what the tokens stand for.
func (c *Client) Tokens(ctx context.Context) ([]access.Grant, error) {
	return askFor[[]access.Grant](ctx, c, pathListTokens, struct{}{})
}

// RevokeToken has a token ended.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	_, err := askFor[struct{}](ctx, c, pathRevokeToken, tokenOrder{id})
	return err
}

// askFor asks a question whose answer is JSON.
func askFor[A any](ctx context.Context, c *Client, path string, question any) (answer A, err error) {
	body, err := c.ask(ctx, http.MethodPost, path, question)
	if err != nil {
		return answer, err
	}
	return answer, c.decode(body, &answer)
}

// Status asks how the house is doing.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	body, err := c.ask(ctx, http.MethodGet, "/v1/status", nil)
	if err != nil {
		return status, err
	}
	return status, c.decode(body, &status)
}

// ConfirmClock says that a jump of the clock is right.
func (c *Client) ConfirmClock(ctx context.Context) error {
	_, err := askFor[struct{}](ctx, c, "/v1/clock/confirm", nil)
	return err
}

// Reload has the server read its configuration again.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	return askFor[Reloaded](ctx, c, pathReload, struct{}{})
}

// Erase asks for users to be taken out of every answer.
func (c *Client) Erase(ctx context.Context, request EraseRequest) (Erasure, error) {
	return askFor[Erasure](ctx, c, pathErase, request)
}

// Purge asks for erased users to be taken off the disk, and waits.
func (c *Client) Purge(ctx context.Context) error {
	_, err := askFor[struct{}](ctx, c, pathPurge, struct{}{})
	return err
}

// Examine asks the server to check its store.
func (c *Client) Examine(ctx context.Context) (Diagnosis, error) {
	return askFor[Diagnosis](ctx, c, pathExamine, struct{}{})
}

// Find asks where a user still stands.
func (c *Client) Find(ctx context.Context, name string) (Found, error) {
	return askFor[Found](ctx, c, pathFind, findQuestion{Name: name})
}

// Export streams the names of an export from the server to a writer.
func (c *Client) Export(ctx context.Context, request ExportRequest, to export.Writer, progress Progress) (Export, error) {
	body, err := c.ask(ctx, http.MethodPost, "/v1/export", request)
	if err != nil {
		return Export{}, err
	}
	defer body.Close()
	result, err := readFrames(body, to, progress)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Export{}, c.wrap(err)
	}
	return result, nil
}

// Dump asks the server to write a dump, into a directory as it sees it.
func (c *Client) Dump(ctx context.Context, request DumpRequest, progress Progress) (result Dump, err error) {
	if request.Dir, err = filepath.Abs(request.Dir); err != nil {
		return result, c.wrap(err)
	}
	body, err := c.ask(ctx, http.MethodPost, "/v1/dump", request)
	if err != nil {
		return result, err
	}
	defer body.Close()
	if err := readAnswer(body, nil, progress, &result); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Dump{}, c.wrap(err)
	}
	return result, nil
}

// Close ends the connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// ask returns the body of an answer of 200; the caller closes it.
func (c *Client) ask(ctx context.Context, method, path string, question any) (io.ReadCloser, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, c.wrap(err)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://sosie"+path, bytes.NewReader(text))
	if err != nil {
		return nil, c.wrap(err)
	}
	return c.do(r)
}

// do returns the body of an answer of 200; the caller closes it.
func (c *Client) do(r *http.Request) (io.ReadCloser, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.wrap(err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		return nil, readFailure(answer.Status, answer.Body)
	}
	return answer.Body, nil
}

func (c *Client) decode(body io.ReadCloser, v any) error {
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return c.wrap(fmt.Errorf("%w: %w", ErrCut, err))
	}
	return nil
}

// wrap says which server was asked, unless the error is already one for an
// operator.
func (c *Client) wrap(err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return &Error{Op: "ask server", Object: c.data, Err: err, Hint: "`sosie status --data " + c.data + "` says whether it still runs."}
}
