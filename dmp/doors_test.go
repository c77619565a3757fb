package dmp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestDoorsCloseTogether: where one address is taken, none of the others stays open.
func TestDoorsCloseTogether(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := testConfig(t)
	config.Office = taken.Addr().String()
	d := mustOpen(t, config)
	err = d.ServeDoors(t.Context(), Doors{Office: HTTPDoor(d.controlServer())}, func(Addresses) { t.Error("it serves") })
	if err == nil || !strings.Contains(err.Error(), config.Office) || !strings.Contains(Hint(err), "--office") {
		t.Errorf("got %v, hint %q", err, Hint(err))
	}
	if _, err := Dial(t.Context(), config.Data); !errors.Is(err, ErrNotRunning) {
		t.Errorf("the control socket: %v", err)
	}
}

// TestDoorsAnswerWhatTheyAccepted: a question that is under way when the server is
// told to end is answered, and then nothing more is.
func TestDoorsAnswerWhatTheyAccepted(t *testing.T) {
	config := testConfig(t)
	config.Office, config.Partner = "127.0.0.1:0", "127.0.0.1:0"
	d := mustOpen(t, config)
	asked, release := make(chan struct{}), make(chan struct{})
	slow := func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "answered")
	}
	door := func() Door { return HTTPDoor(&http.Server{Handler: http.HandlerFunc(slow)}) }
	ctx, stop := context.WithCancel(t.Context())
	ready, served := make(chan Addresses, 1), make(chan error, 1)
	go func() {
		served <- d.ServeDoors(ctx, Doors{Office: door(), Partner: door()}, func(at Addresses) { ready <- at })
	}()
	at := <-ready
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answers := make(chan string, 2)
	for _, door := range []net.Addr{at.Office, at.Partner} {
		go func() {
			answer, err := client.Get("http://" + door.String())
			if err != nil {
				answers <- err.Error()
				return
			}
			defer answer.Body.Close()
			text, _ := io.ReadAll(answer.Body)
			answers <- string(text)
		}()
		<-asked
	}
	stop()
	close(release)
	for range 2 {
		if got := <-answers; got != "answered" {
			t.Errorf("what was accepted got %q", got)
		}
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://" + at.Office.String()); err == nil {
		t.Error("it answers after the end")
	}
}

// TestClosedDoors: without an address, or told to stay closed, a door is not opened.
func TestClosedDoors(t *testing.T) {
	config := testConfig(t)
	config.Office = Closed
	d := mustOpen(t, config)
	door := HTTPDoor(&http.Server{})
	ctx, stop := context.WithCancel(t.Context())
	err := d.ServeDoors(ctx, Doors{Office: door, Partner: door}, func(at Addresses) {
		if at.Office != nil || at.Partner != nil || at.Pixel == nil {
			t.Errorf("open are %+v", at)
		}
		stop()
	})
	if err != nil {
		t.Error(err)
	}
}
