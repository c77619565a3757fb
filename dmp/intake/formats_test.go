package intake

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sosie/storage"
)

// read reads a whole text and writes down what it held, an event or a bad line
// after the other.
func read(format Format, text string) []string {
	isBot := func(agent []byte) bool { return bytes.Contains(agent, []byte("bot")) }
	r, err := newReader(format, newLines(strings.NewReader(text)), isBot)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for {
		var e Event
		err := r.Next(&e)
		bad := (*BadLine)(nil)
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, bad.Error())
		case err != nil:
			return append(out, err.Error())
		case e.Skip:
			out = append(out, "skip")
		case e.Page != nil:
			out = append(out, fmt.Sprintf("%s|%s|%s", e.User, e.Page.Path, e.Day))
		default:
			out = append(out, fmt.Sprintf("%s|%s|%s", e.User, e.Label, e.Day))
		}
	}
}

func TestFormats(t *testing.T) {
	const head = "user,label,time\n"
	long := strings.Repeat("x", maxLine)
	for _, row := range []struct {
		format Format
		text   string
		want   string // joined with " / "
	}{
		{CSV, head + "u,l,2026-01-02", "u|l|2026-01-02"},
		{CSV, "\ufeff Time , note,USER,label\r\n2026-01-02,x,u,l\r\n\r\n", "u|l|2026-01-02"},
		{CSV, head + `"a ""b"", c",l,2026-01-02`, `a "b", c|l|2026-01-02`},
		{CSV, head + "\"u\",\"\",\"2026-01-02\"\n", "u||2026-01-02"},
		{CSV, head + "u,l,2026-01-02T23:59:59-01:00\nu,l,2026-01-02T00:30:00.5+01:00", "u|l|2026-01-03 / u|l|2026-01-01"},
		{CSV, head + "u,l,1767312000\nu,l,1767312000000\nu,l,-1", "u|l|2026-01-02 / u|l|2026-01-02 / u|l|1969-12-31"},
		{CSV, head + "u,l,99999999999\nu,l,9223372036854775807\nu,l,9223372036854775808", "u|l|5138-11-16 / line 3: " + dayReason + " / line 4: " + dayReason},
		{CSV, head + "u,l,yesterday\nu,l,\nu,l,2026-02-30\nu,l,2026-01-02", "line 2: " + dayReason + " / line 3: " + dayReason + " / line 4: " + dayReason + " / u|l|2026-01-02"},
		{CSV, head + "u,l\nu,l,2026-01-02,x\n", "line 2: 2 fields: the header names 3 / line 3: 4 fields: the header names 3"},
		{CSV, head + "\"u,l,2026-01-02\nv,l,2026-01-02\n\"w\"x,l,2026-01-02", "line 2: a quote is not closed, or text follows a closing one / v|l|2026-01-02 / line 4: a quote is not closed, or text follows a closing one"},
		{CSV, head + "u," + long + ",2026-01-02\nv,l,2026-01-02", "line 2: it is longer than 64 KiB / v|l|2026-01-02"},
		{CSV, "", "read header: bad file: the file is empty"},
		{CSV, "user,label\nu,l", "read header: bad file: line 1 names the columns: want user, label and time among them, separated by commas"},
		{CSV, "user,label,time,user\n", "read header: bad file: column user occurs twice"},
		{CSV, "\"user,label,time\n", "read header: bad file: a quote is not closed"},
		{CSV, long + long, "read header: bad file: it is longer than 64 KiB"},

		{NDJSON, `{"user":"u","label":"l","time":"2026-01-02","more":[1]}`, "u|l|2026-01-02"},
		{NDJSON, `{"time":1767312000123,"label":"l","user":42}`, "42|l|2026-01-02"},
		{NDJSON, `{"user":"é\u00e9","label":"L","time":"1767312000"}`, "éé|L|2026-01-02"},
		{NDJSON, "{\"user\":\"u\"\n[]\nnull\n{\"user\":{},\"time\":1}\n{\"user\":\"u\",\"time\":true}", "line 1: it is no JSON object with user, label and time / line 2: it is no JSON object with user, label and time / line 3: " + dayReason +
			" / line 4: it is no JSON object with user, label and time / line 5: it is no JSON object with user, label and time"},
		{NDJSON, `{"user":"u","label":"l","time":1.5e9}`, "line 1: " + dayReason},

		{AccessLog, `10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.html?q=1 HTTP/1.0" 200 2326`, "10.0.0.1|/a.html|2000-10-10"},
		{AccessLog, `2001:db8::1 - - [10/Oct/2000:23:55:36 -0700] "GET / HTTP/1.1" 304 - "http://x/" "Mozilla \"5\""`, "2001:db8::1|/|2000-10-11"},
		{AccessLog, `h - a b [10/Oct/2000:13:55:36 +0000] "GET http://shop.example/x#y HTTP/1.1" 206 0 "-" "-" 0.001 "more"`, "h|/x|2000-10-10"},
		{AccessLog, `h - - [10/Oct/2000:13:55:36 +0000] "GET /a\"b HTTP/1.1" 200 0 "-" "a \"bot\" b"`, "skip"},
		{AccessLog, `h - - [10/Oct/2000:13:55:36 +0000] "HEAD / HTTP/1.1" 200 0` + "\n" + `h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 404 0` + "\n" +
			`h - - [10/Oct/2000:13:55:36 +0000] "-" 408 -` + "\n" + `h - - [10/Oct/2000:13:55:36 +0000] "GET *" 200 -` + "\n" + `h - - [10/Oct/2000:13:55:36 +0000] "\x16\x03" 400 -`, "skip / skip / skip / skip / skip"},
		{AccessLog, "- - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 0\nx\nh - - [10/Okt/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 0\nh - - [10/Oct/2000:13:55:36 +0000] GET / 200 0\n" +
			"h - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1 200 0\nh - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 2xx",
			"line 1: it names no client / line 2: it names no client / line 3: it holds no time such as [10/Oct/2000:13:55:36 -0700] / line 4: it holds no request in quotes / line 5: it holds no request in quotes / line 6: no status and size follow the request"},

		{"xml", "", `bad request: format "xml": want csv, ndjson or access-log`},
	} {
		if got := strings.Join(read(row.format, row.text), " / "); got != row.want {
			t.Errorf("%s %.80q:\n got %s\nwant %s", row.format, row.text, got, row.want)
		}
	}
}

// pack packs a text in every way that is unpacked.
func pack(t *testing.T, text []byte) map[string][]byte {
	packed := map[string][]byte{"plain": text}
	for name, begin := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	} {
		var out bytes.Buffer
		z := begin(&out)
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		packed[name] = out.Bytes()
	}
	return packed
}

// TestUnpack: the checksum is of the text, however it is packed, and a file cut
// short is no short file.
func TestUnpack(t *testing.T) {
	text := bytes.Repeat([]byte("user,label,time\n"), 10_000)
	sums := map[string]bool{}
	for name, file := range pack(t, text) {
		s, err := unpack(context.Background(), bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, text) || s.packed.n.Load() != int64(len(file)) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), s.packed.n.Load(), err)
		}
		sums[s.checksum()] = true
		s.close()
		if name == "plain" {
			continue
		}
		if s, err = unpack(context.Background(), bytes.NewReader(file[:len(file)-5])); err == nil {
			_, err = io.ReadAll(s)
			s.close()
		}
		if err == nil {
			t.Errorf("%s: a file cut short is read to its end", name)
		}
	}
	if len(sums) != 1 {
		t.Errorf("checksums %v", sums)
	}
}

// fuzzFormat reads what a stranger wrote: nothing may fail but lines, every
// line is numbered, and every day lies in the years 0 to 9999.
func fuzzFormat(f *testing.F, format Format, prefix string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = prefix + text
		r, err := newReader(format, newLines(strings.NewReader(text)), func([]byte) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		for before, e := r.Line(), (Event{}); ; before = r.Line() {
			err := r.Next(&e)
			if err == io.EOF {
				break
			}
			bad := (*BadLine)(nil)
			if err != nil && !errors.As(err, &bad) {
				t.Fatal(err)
			}
			if r.Line() <= before || r.Line() > uint64(strings.Count(text, "\n")+1) {
				t.Fatalf("line %d after line %d", r.Line(), before)
			}
			if first, last := storage.Day(-719_529), storage.Day(2_932_897); err == nil && (e.Day < first || e.Day > last) {
				t.Fatalf("day %d", e.Day)
			}
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	fuzzFormat(f, NDJSON, "", `{"user":"u","label":"l","time":1}`, `{"user":1e99,"time":"2026-01-02"}`, "{\"a\":\n")
}

func FuzzAccessLog(f *testing.F) {
	fuzzFormat(f, AccessLog, "", `h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "a\"b"`, `h - - [ ] "`, `0  [10/OCt/0000:0:00:00 +0000] "0"100 0`, "\\\"")
}

func FuzzCSV(f *testing.F) {
	fuzzFormat(f, CSV, "user,label,time\n", "u,l,1", `"u""v",l,2026-01-02`, "\"\n\",")
}

// FuzzCSVLine holds our splitting of a line against the standard library's.
func FuzzCSVLine(f *testing.F) {
	for _, s := range []string{"a,b,c", `"a","b""c",`, `a"b,c`, `"a"b`, "", `""`, ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") || line == "" {
			return
		}
		// A quote inside a field that is not quoted stands for itself here, and is
		// an error there unless the library is lazy, which it then is with closing
		// ones as well.
		want, err := csv.NewReader(strings.NewReader(line)).Read()
		r := csvReader{}
		ok := r.split([]byte(line))
		if err != nil {
			return
		}
		got := make([]string, len(r.fields))
		for i, field := range r.fields {
			got[i] = string(field)
		}
		if !ok || strings.Join(got, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("%q: %q %t, want %q", line, got, ok, want)
		}
	})
}

// FuzzRequest: whatever a request says, it is refused or carried out.
func FuzzRequest(f *testing.F) {
	f.Add(`{"format":"csv","id_space":"crm"}`)
	f.Add(`{"format":"access-log","source":"SOURCE","consent":"none"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var q Request
		if json.Unmarshal([]byte(text), &q) != nil {
			return
		}
		normal, err := q.normal()
		if err != nil && !errors.Is(err, ErrRequest) || err == nil && (normal.IDSpace == "" || !storage.ValidLabelName("source/"+normal.Source)) {
			t.Errorf("%+v: %v", normal, err)
		}
	})
}

// TestPageOfAccessLog sees what rules are told of a request.
func TestPageOfAccessLog(t *testing.T) {
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"
	for line, want := range map[string]string{
		`h - - [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 0 "https://x.example/?q=y" "` + phone + `"`: " /a b=c https://x.example/?q=y mobile 20:55",
		`h - - [10/Oct/2000:13:55:36 +0000] "GET //a?b#c HTTP/1.1" 200 0 "-" "-"`:                                 " //a b - unknown 13:55",
		`h - - [10/Oct/2000:13:55:36 +0000] "GET http://shop.example:80?b HTTP/1.1" 200 0`:                        "shop.example:80 / b  unknown 13:55",
	} {
		r := &accessLogReader{lines: newLines(strings.NewReader(line)), robot: func([]byte) bool { return false }}
		var e Event
		if err := r.Next(&e); err != nil || e.Skip {
			t.Errorf("%s: %v, skip %v", line, err, e.Skip)
			continue
		}
		p := e.Page
		if got := fmt.Sprintf("%s %s %s %s %s %s", p.Host, p.Path, p.Query, p.Referrer, p.Device, p.Time.UTC().Format("15:04")); got != want {
			t.Errorf("%s:\n got %s\nwant %s", line, got, want)
		}
	}
}
