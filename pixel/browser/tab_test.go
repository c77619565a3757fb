package browser

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab of a browser, and what went wrong on its pages.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	responses  map[string]int // by address
}

// open opens a tab.
func open(t *testing.T, browser context.Context) *tab {
	t.Helper()
	b := &tab{t: t, responses: map[string]int{}}
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithListener(b.note))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open tab: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b.ctx = ctx
	call(b, log.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	return b
}

// first makes a script run before those of every page that comes.
func (b *tab) first(script string) {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// note keeps what a console would show in red, and counts answers.
func (b *tab) note(event any) {
	var complaint string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			complaint = fmt.Sprintf("console.error: %s", e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			complaint = e.Entry.Text + " " + e.Entry.URL
		}
	case *network.EventResponseReceived:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.responses[e.Response.URL]++
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

// call sends a command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], parameters P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, command, parameters)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// visit goes to a page and waits until it has loaded.
func (b *tab) visit(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("visit %s: %v", url, err)
	}
}

// ask evaluates an expression of the page.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// do runs a script on the page.
func (b *tab) do(script string) {
	b.t.Helper()
	ask[int](b, script+"; 0")
}

// leave runs a script that goes to another page, and waits until that has loaded.
func (b *tab) leave(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Evaluate[int](script+"; 0"))); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// wait waits until an expression of the page is true. A page that is just coming
// cannot be asked yet.
func (b *tab) wait(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(20 * time.Millisecond) {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("wait for %s: %v", expression, err)
		}
	}
}

// answered waits until a request to an address has been answered, since the last
// time it was asked of this address.
func (b *tab) answered(address string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
		b.mu.Lock()
		n := b.responses[address]
		if n > 0 {
			b.responses[address]--
		}
		b.mu.Unlock()
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("nothing comes from %s; there came %v", address, b.responses)
		}
	}
}

// quiet fails the test if the console showed anything in red, but for what
// contains one of the texts given.
func (b *tab) quiet(but ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, c := range b.complaints {
		for _, text := range but {
			if strings.Contains(c, text) {
				continue next
			}
		}
		b.t.Errorf("the console says: %s", c)
	}
}
