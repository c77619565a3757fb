package tag

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/molecule-man/go-brrr"
)

//go:generate go test -run TestScriptIsSource -update

//go:embed tag.min.js
var script []byte

// ContentType is the media type of the script.
const ContentType = "text/javascript; charset=utf-8"

// Variant is the script in one encoding. It never changes.
type Variant struct {
	// Encoding is the Content-Encoding, empty for the script as it is.
	Encoding string
	// Body is shared by all answers and must not be changed.
	Body []byte
	// ETag is the strong validator of these bytes, with its quotes.
	ETag string
}

// Script returns the script as it is. The slice must not be changed.
func Script() []byte { return script }

// variants are what Choose chooses from, the smallest first, made once.
var variants = sync.OnceValue(func() []Variant {
	encoders := []struct {
		encoding string
		open     func(io.Writer) (io.WriteCloser, error)
	}{
		{"br", func(w io.Writer) (io.WriteCloser, error) { return brrr.NewWriter(w, 11) }},
		{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
		{"zstd", func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		}},
	}
	all := make([]Variant, 0, len(encoders)+1)
	for _, e := range encoders {
		var packed bytes.Buffer
		w, err := e.open(&packed)
		if err == nil {
			_, err = w.Write(script)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil { // memory never fails to take bytes, and the levels exist
			panic(fmt.Sprintf("compress tag: %s: %v", e.encoding, err))
		}
		all = append(all, variant(e.encoding, packed.Bytes()))
	}
	return append(all, variant("", script))
})

func variant(encoding string, body []byte) Variant {
	sum := sha256.Sum256(body)
	return Variant{Encoding: encoding, Body: body, ETag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// Choose returns the smallest variant that an Accept-Encoding header allows. It
// allocates nothing. The answer needs Vary: Accept-Encoding.
func Choose(accept []byte) *Variant {
	all := variants()
	for i := range all {
		if all[i].Encoding == "" || accepts(accept, all[i].Encoding) {
			return &all[i]
		}
	}
	return &all[len(all)-1]
}
