package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// ServeVerb are the arguments that make this binary run Serve: the server of
// the pixel benchmarks is the same binary, started again.
var ServeVerb = []string{"bench", "serve"}

// stopAfter is how long a server may take to close its store.
const stopAfter = 60 * time.Second

// child is a server process seen from its parent.
type child struct {
	greeting
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	mu      sync.Mutex // one question at a time
}

// startServer starts a server process and waits until it listens.
func startServer(ctx context.Context, o serveOrder) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	c := &child{command: exec.CommandContext(ctx, self, ServeVerb...)}
	c.command.Stderr = os.Stderr
	if c.in, err = c.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	c.out = bufio.NewReader(out)
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	err = c.exchange(o, &c.greeting)
	if err == nil && c.Error != "" {
		err = errors.New(c.Error)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s server: %w", o.Step, err), c.stop())
	}
	return c, nil
}

// exchange sends one line and reads one.
func (c *child) exchange(send, receive any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	line, err := json.Marshal(send)
	if err != nil {
		return err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return err
	}
	line, err = c.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, receive)
}

// ask asks the server one thing.
func (c *child) ask(o order) (answer, error) {
	var a answer
	if err := c.exchange(o, &a); err != nil {
		return a, fmt.Errorf("ask server for %s: %w", o.Do, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("ask server for %s: %s", o.Do, a.Error)
	}
	return a, nil
}

// stop lets the server close its store and end, and ends it by force when that
// takes too long.
func (c *child) stop() error {
	_ = c.in.Close()
	late := time.AfterFunc(stopAfter, func() { _ = c.command.Process.Kill() })
	defer late.Stop()
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	return nil
}
