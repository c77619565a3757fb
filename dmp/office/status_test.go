package office

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// leaving is a house that is ready unless who asks has left.
type leaving struct{ House }

func (leaving) Ready(ctx context.Context) error { return ctx.Err() }

// TestReadyForOthers: a stranger who asks and leaves does not make the house look
// unready to those who ask after him.
func TestReadyForOthers(t *testing.T) {
	o := New(leaving{}, emptyKeyring(t), []string{"localhost"}, false)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, ctx := range []context.Context{gone, t.Context()} {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		if o.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
