package office

import (
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sosie/dmp"
	"sosie/dmp/access"
)

// The limits of the door. Strangers reach no more than the header of a request: a
// body is read when its token was right.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	headerBytes   = 16 << 10
	// bodyBytes holds the longest overlap of long expressions.
	bodyBytes = 256 << 10
	// answerTimeout is how long a question may take; it must cover an expression
	// whose days are read from disk.
	answerTimeout = time.Minute
)

// Office is the back office of a house.
type Office struct {
	house       House
	keyring     *access.Keyring
	hosts       map[string]bool
	metricsOpen bool
	ready       readiness
	turns       *turns
	mux         *http.ServeMux
	api         huma.API
	answers     *prometheus.CounterVec // by status
	counted     http.Handler
}

// New returns the back office of a house. It answers only requests that name one of
// the hosts, which are in lower case and without ports. Where metricsOpen is set,
// programs on loopback read /metrics without a token.
func New(house House, keyring *access.Keyring, hosts []string, metricsOpen bool) *Office {
	o := &Office{house: house, keyring: keyring, hosts: map[string]bool{}, metricsOpen: metricsOpen,
		turns: newTurns(), mux: http.NewServeMux()}
	for _, host := range hosts {
		o.hosts[host] = true
	}
	config := huma.DefaultConfig("Sosie back office", dmp.Version)
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.CreateHooks = nil // no links to schemas in answers
	config.DocsPath, config.SchemasPath = "", ""
	config.Info.Description = "Exact counts of segments, each with the moment it is true of. A buyer is told no number under 20."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token of `sosie token create`."},
	}
	o.answers = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sosie_office_total",
		Help: "Answers of the back office by status: 401 is a wrong token, 403 one that may not, 421 a host name that is not its own, 429 too often, 503 too busy."}, []string{"code"})
	o.counted = promhttp.InstrumentHandlerCounter(o.answers, http.HandlerFunc(o.serve))
	o.api = humago.New(o.mux, config)
	o.questions()
	o.users()
	o.segments()
	o.labels()
	o.status()
	o.tokens()
	o.mux.HandleFunc("GET /healthz", o.health)
	o.mux.HandleFunc("GET /readyz", o.readyz)
	o.mux.Handle("GET /metrics", o.metrics())
	o.mux.Handle("GET /docs", docsPage(o.api.OpenAPI()))
	return o
}

// schemaName names the schema of a type; those of other packages begin with the
// package, since several have a Status.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if from := path.Base(t.PkgPath()); from != "office" && from != "." {
		name = strings.ToUpper(from[:1]) + from[1:] + name
	}
	return name
}

// ServeHTTP answers a request, and counts it by the status of its answer.
func (o *Office) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.counted.ServeHTTP(w, r) }

func (o *Office) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if !o.knows(r.Host) {
		http.Error(w, "This host name is not one of the back office's; office_hosts of the configuration lists them.", http.StatusMisdirectedRequest)
		return
	}
	o.mux.ServeHTTP(w, r)
}

// Server returns a server of the back office with all limits set. It logs nothing.
func (o *Office) Server() *http.Server {
	return &http.Server{
		Handler:           o,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + answerTimeout + headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          silent(),
	}
}
