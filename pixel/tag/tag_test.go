package tag

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/molecule-man/go-brrr"
)

var update = flag.Bool("update", false, "write tag.min.js")

// TestScriptIsSource: what is served is what tag.js says.
func TestScriptIsSource(t *testing.T) {
	source, err := os.ReadFile("tag.js")
	if err != nil {
		t.Fatal(err)
	}
	made := api.Transform(string(source), api.TransformOptions{
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Target: api.ES2015,
	})
	for _, m := range append(made.Errors, made.Warnings...) {
		t.Errorf("tag.js:%d: %s", m.Location.Line, m.Text)
	}
	if *update {
		if err := os.WriteFile("tag.min.js", made.Code, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made.Code, Script()) {
		t.Error("tag.min.js is not what tag.js makes: run go generate ./pixel/tag")
	}
}

// most is the most bytes a browser fetches.
const most = 2500

func TestVariants(t *testing.T) {
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"br":   func(r io.Reader) (io.Reader, error) { return brrr.NewReader(r), nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
	}
	tags := map[string]bool{}
	for _, v := range variants() {
		t.Logf("%q: %d bytes", v.Encoding, len(v.Body))
		if v.Encoding != "" && len(v.Body) > most {
			t.Errorf("%s: %d bytes, want at most %d", v.Encoding, len(v.Body), most)
		}
		r, err := unpack[v.Encoding](bytes.NewReader(v.Body))
		if err != nil {
			t.Fatalf("%s: %v", v.Encoding, err)
		}
		if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, Script()) {
			t.Errorf("%s: unpacks to %d bytes, %v", v.Encoding, len(text), err)
		}
		tags[v.ETag] = true
	}
	if len(tags) != len(unpack) {
		t.Errorf("%d validators of %d variants", len(tags), len(unpack))
	}
}

func TestChoose(t *testing.T) {
	for accept, want := range map[string]string{
		"":                             "",
		"*":                            "",
		"identity":                     "",
		"gzip, deflate, br, zstd":      "br",
		"gzip, deflate":                "gzip",
		"GZip;q=0.5":                   "gzip",
		"deflate, zstd":                "zstd",
		"br;q=0, gzip":                 "gzip",
		"br; q=0.000 , gzip;q=0":       "",
		"br;q=0.001":                   "br",
		"br;q=":                        "br",
		"brotli, x-gzip":               "",
		",,;;q=1,gzip;;;":              "gzip",
		"gzip;q=0, gzip":               "",
		"deflate;q=1, br ;level=1;q=0": "br",
	} {
		if got := Choose([]byte(accept)).Encoding; got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add([]byte("gzip, deflate, br;q=0.9, zstd"))
	f.Add([]byte("br;q=0,,;=;"))
	f.Fuzz(func(t *testing.T, accept []byte) {
		if v := Choose(accept); v == nil || len(v.Body) == 0 {
			t.Error("no variant")
		}
	})
}

func BenchmarkChoose(b *testing.B) {
	accept := []byte("gzip, deflate, br, zstd")
	b.ReportAllocs()
	for b.Loop() {
		Choose(accept)
	}
}
