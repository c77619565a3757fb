package load

import (
	"bytes"
	"strconv"
)

var (
	headerEnd     = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	setCookie     = []byte("\r\nSet-Cookie: ")
)

// answer is one parsed answer.
type answer struct {
	status int
	length int    // bytes of header and body
	cookie []byte // name=value of the first Set-Cookie
}

// parse reads an answer from the start of b. It returns false while bytes are
// missing, and ErrAnswer for what no further byte can repair.
func parse(b []byte) (answer, bool, error) {
	end := bytes.Index(b, headerEnd)
	if end < 0 {
		return answer{}, false, nil
	}
	header := b[:end+2]
	if end < 12 || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		return answer{}, false, ErrAnswer
	}
	status, err := strconv.Atoi(string(b[9:12]))
	if err != nil {
		return answer{}, false, ErrAnswer
	}
	body, err := bodyLength(header)
	if err != nil {
		return answer{}, false, err
	}
	a := answer{status: status, length: end + len(headerEnd) + body}
	if len(b) < a.length {
		return answer{}, false, nil
	}
	if i := bytes.Index(header, setCookie); i >= 0 {
		a.cookie = header[i+len(setCookie):]
		a.cookie = a.cookie[:bytes.IndexAny(a.cookie, ";\r")]
	}
	return a, true, nil
}

func bodyLength(header []byte) (int, error) {
	i := bytes.Index(header, contentLength)
	if i < 0 {
		return 0, ErrAnswer
	}
	digits := header[i+len(contentLength):]
	n, err := strconv.Atoi(string(digits[:bytes.IndexByte(digits, '\r')]))
	if err != nil || n < 0 {
		return 0, ErrAnswer
	}
	return n, nil
}
