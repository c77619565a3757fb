package office

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp"
	"sosie/dmp/access"
)

// status registers the status.
func (o *Office) status() {
	registerAtOnce(o, access.ReadStatus, huma.Operation{OperationID: "status", Method: http.MethodGet, Path: "/v1/status",
		Summary: "Say how the house is doing"}, func(ctx context.Context, c caller, _ *struct{}) (dmp.Status, error) {
		return c.house.Status(ctx)
	})
}

// health says that the process answers.
func (o *Office) health(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("ok\n"))
}

const (
	// readyEvery is how often the house is asked, however often the door is.
	readyEvery = time.Second
	// readyTimeout is how long the house has to say that it is ready.
	readyTimeout = 10 * time.Second
)

// readiness remembers for a moment whether questions are answered, because anyone
// may ask.
type readiness struct {
	mu    sync.Mutex
	asked time.Time
	err   error
}

// ask returns why the house is not ready, or nil. The question has a time of its own:
// what it finds is told to others too, and who asked first may have left.
func (r *readiness) ask(house House) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) > readyEvery {
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		r.err, r.asked = house.Ready(ctx), time.Now()
	}
	return r.err
}

// readyz says whether questions are answered.
func (o *Office) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := o.ready.ask(o.house); err != nil {
		http.Error(w, "not ready: `sosie status` says why", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
