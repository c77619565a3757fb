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
	register(o, access.ReadStatus, huma.Operation{OperationID: "status", Method: http.MethodGet, Path: "/v1/status",
		Summary: "Say how the house is doing"}, func(ctx context.Context, c caller, _ *struct{}) (dmp.Status, error) {
		return c.house.Status(ctx)
	})
}

// health says that the process answers.
func (o *Office) health(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("ok\n"))
}

// readyEvery is how often the house is asked, however often the door is.
const readyEvery = time.Second

// readiness remembers for a moment whether questions are answered, because anyone
// may ask.
type readiness struct {
	mu    sync.Mutex
	asked time.Time
	err   error
}

// readyz says whether questions are answered.
func (o *Office) readyz(w http.ResponseWriter, r *http.Request) {
	o.ready.mu.Lock()
	if time.Since(o.ready.asked) > readyEvery {
		o.ready.err, o.ready.asked = o.house.Ready(r.Context()), time.Now()
	}
	err := o.ready.err
	o.ready.mu.Unlock()
	if err != nil {
		http.Error(w, "not ready: `sosie status` says why", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
