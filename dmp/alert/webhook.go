package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// ErrURL means an address that is no webhook's.
var ErrURL = errors.New("want a URL such as https://hooks.example/…")

const (
	// tryTimeout bounds one try, from the connection to the answer.
	tryTimeout = 10 * time.Second
	// patience bounds all tries of a message.
	patience = 45 * time.Second
	// firstPause is the pause before the second try; each is longer than the one
	// before.
	firstPause = time.Second
	// maxAnswer is how much of an answer is read, in bytes, so that the connection
	// can be used again. Nothing looks at it.
	maxAnswer = 64 << 10
)

// Webhook is an address that takes messages.
type Webhook struct {
	url    *url.URL
	client *http.Client
	// The limits of PostPatiently.
	patience, firstPause time.Duration
}

// NewWebhook returns the webhook of an http or https URL. The error is ErrURL,
// which does not repeat the address.
func NewWebhook(address string) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		return nil, ErrURL
	}
	return &Webhook{url: u, patience: patience, firstPause: firstPause, client: &http.Client{
		Timeout: tryTimeout,
		// What moved must be configured anew: a redirect could lead anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// String is the host, all that may be shown of a webhook.
func (w *Webhook) String() string { return w.url.Host }

// Post sends a message once. Any answer but 2xx is an error.
func (w *Webhook) Post(ctx context.Context, m Message) error {
	if err := w.post(ctx, m); err != nil {
		return w.failed(err)
	}
	return nil
}

// PostPatiently sends a message, and again while that fails in a way that may
// pass, for less than a minute.
func (w *Webhook) PostPatiently(ctx context.Context, m Message) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.Multiplier = w.firstPause, 2
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, w.post(ctx, m) },
		backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(w.patience))
	if err != nil {
		return w.failed(err)
	}
	return nil
}

func (w *Webhook) failed(err error) error {
	if permanent := (*backoff.PermanentError)(nil); errors.As(err, &permanent) {
		err = permanent.Err
	}
	if with := (*url.Error)(nil); errors.As(err, &with) { // it repeats the address
		err = with.Err
	}
	return fmt.Errorf("tell webhook at %s: %w", w, err)
}

// post sends a message once; an error that will not pass is a PermanentError.
func (w *Webhook) post(ctx context.Context, m Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return backoff.Permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(text))
	if err != nil {
		return backoff.Permanent(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sosie")
	answer, err := w.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("it answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusTooEarly:
		if wait, told := strconv.Atoi(answer.Header.Get("Retry-After")); told == nil && wait > 0 {
			return fmt.Errorf("%w: %w", err, backoff.RetryAfter(min(wait, int(w.patience/time.Second))))
		}
		return err
	}
	if answer.StatusCode >= 500 {
		return err
	}
	return backoff.Permanent(err)
}
