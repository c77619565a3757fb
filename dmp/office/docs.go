package office

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// docsPage shows the operations on one plain page, without a script and without
// anything from elsewhere.
func docsPage(api *huma.OpenAPI) http.Handler {
	var rows []docsRow
	for path, item := range api.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				rows = append(rows, docsRow{method, path, op.Summary, op.Description})
			}
		}
	}
	slices.SortFunc(rows, func(a, b docsRow) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = docsTemplate.Execute(w, map[string]any{"Info": api.Info, "Rows": rows}) // a reader that left needs none
	})
}

// docsRow is one operation.
type docsRow struct{ Method, Path, Summary, Description string }

var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Info.Title}}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:.3em 1em .3em 0;vertical-align:top}code{white-space:nowrap}</style></head>
<body><h1>{{.Info.Title}} {{.Info.Version}}</h1><p>{{.Info.Description}}</p>
<p>Every path but this one, <code>/healthz</code> and <code>/readyz</code> wants <code>Authorization: Bearer TOKEN</code>; <code>sosie token create</code> makes one.
Questions and answers are described in <a href="/openapi.json">openapi.json</a> (<a href="/openapi.yaml">YAML</a>).</p>
<table>{{range .Rows}}<tr><td><code>{{.Method}} {{.Path}}</code></td><td>{{.Summary}}<br><small>{{.Description}}</small></td></tr>
{{end}}<tr><td><code>GET /metrics</code></td><td>Everything counted, for Prometheus<br><small>For the roles: admin.</small></td></tr></table></body></html>
`))
