package office

import (
	"context"
	"net/http"
	"net/netip"
	"reflect"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sosie/dmp/access"
)

// metrics answers with everything counted, for the administrator's token, or for
// any program on loopback where that is configured.
func (o *Office) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), statusCollector{o.house}, o.answers)
	all := promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: answerTimeout})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := netip.ParseAddrPort(r.RemoteAddr)
		if !o.metricsOpen || !from.Addr().IsLoopback() {
			if _, err := o.admit(r.Header.Get("Authorization"), r.RemoteAddr, access.ReadMetrics); err != nil {
				refuse(w, err)
				return
			}
		}
		all.ServeHTTP(w, r)
	})
}

// statusCollector makes metrics of one status.
type statusCollector struct{ house House }

var (
	descInfo       = prometheus.NewDesc("sosie_info", "The version.", []string{"version"}, nil)
	descPixel      = prometheus.NewDesc("sosie_pixel_total", "What became of what reached the pixel, by cause.", []string{"cause"}, nil)
	descPartner    = prometheus.NewDesc("sosie_partner_total", "What became of what reached the partner door.", []string{"cause"}, nil)
	descUsers      = prometheus.NewDesc("sosie_users", "Users that ever had a record.", nil, nil)
	descLabels     = prometheus.NewDesc("sosie_labels", "Labels of the dictionary.", nil, nil)
	descSequence   = prometheus.NewDesc("sosie_log_sequence", "The newest batch of the log that is durable, in the answers, and saved.", []string{"state"}, nil)
	descAppended   = prometheus.NewDesc("sosie_log_appended_bytes_total", "Bytes made durable in the log.", nil, nil)
	descDurability = prometheus.NewDesc("sosie_durability_seconds", "How long records took, over the last minutes, until the device had them.", []string{"quantile"}, nil)
	descRecent     = prometheus.NewDesc("sosie_durability_records", "How many records that is true of.", nil, nil)
	descFold       = prometheus.NewDesc("sosie_fold_lag_seconds", "How old the answers are while they lack what is durable; 0 when they do not.", nil, nil)
	descMemory     = prometheus.NewDesc("sosie_memory_bytes", "Memory of blocks, of the heap, and taken by the process; the budget, 0 for none.", []string{"kind"}, nil)
	descDisk       = prometheus.NewDesc("sosie_disk_bytes", "Disk used by the log and the store, free, and kept in reserve.", []string{"kind"}, nil)
	descRobots     = prometheus.NewDesc("sosie_robots", "Users marked as robots.", nil, nil)
	descClaims     = prometheus.NewDesc("sosie_claims", "Pending cookies that became users in the last 24 hours.", nil, nil)
	descWarnings   = prometheus.NewDesc("sosie_warnings", "Sentences in the status that want an operator.", nil, nil)
)

// Describe lists the metrics.
func (statusCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descInfo, descPixel, descPartner, descUsers, descLabels, descSequence, descAppended, descDurability, descRecent, descFold, descMemory, descDisk, descRobots, descClaims, descWarnings} {
		to <- d
	}
}

// Collect reads the status once. One that cannot be read makes the scrape fail.
func (c statusCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	s, err := c.house.Status(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(descInfo, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	total := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	gauge(descInfo, 1, s.Version)
	eachCause(s.Hits, func(cause string, n uint64) { total(descPixel, float64(n), cause) })
	if s.Partner != nil {
		eachCause(*s.Partner, func(cause string, n uint64) { total(descPartner, float64(n), cause) })
	}
	gauge(descUsers, float64(s.Store.Users))
	gauge(descLabels, float64(s.Store.Labels))
	gauge(descRobots, float64(s.Store.Robots))
	gauge(descClaims, float64(s.Store.Claims))
	gauge(descWarnings, float64(len(s.Store.Warnings)))
	gauge(descFold, s.FoldLag)
	log := s.Store.Log
	gauge(descSequence, float64(log.Seq), "durable")
	gauge(descSequence, float64(log.Folded), "folded")
	gauge(descSequence, float64(log.Saved), "saved")
	total(descAppended, float64(log.Appended))
	gauge(descDurability, log.Latency.P50.Seconds(), "0.5")
	gauge(descDurability, log.Latency.P99.Seconds(), "0.99")
	gauge(descRecent, float64(log.Latency.Appends))
	gauge(descMemory, float64(s.Store.Memory.Resident), "blocks")
	gauge(descMemory, float64(s.Store.Memory.Budget), "budget")
	gauge(descMemory, float64(s.Process.Heap), "heap")
	gauge(descMemory, float64(s.Process.Taken), "taken")
	gauge(descDisk, float64(s.Store.Disk.Log), "log")
	gauge(descDisk, float64(s.Store.Disk.Store), "store")
	gauge(descDisk, float64(s.Store.Disk.Free), "free")
	gauge(descDisk, float64(s.Store.Disk.Reserve), "reserve")
}

// eachCause calls fn with every counter of a struct of them by its name, so that one
// that is added needs no word here. The sum of all hits is left out: it would be
// counted twice.
func eachCause(counters any, fn func(cause string, n uint64)) {
	v := reflect.ValueOf(counters)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if v.Field(i).Kind() == reflect.Uint64 && name != "hits" {
			fn(name, v.Field(i).Uint())
		}
	}
}
