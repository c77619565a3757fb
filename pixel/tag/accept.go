package tag

import "bytes"

// accepts reports whether an Accept-Encoding header names an encoding without
// refusing it with q=0. A star stands for nothing here: who sends one gets the
// script as it is, which everybody can read.
func accepts(header []byte, encoding string) bool {
	for len(header) > 0 {
		var part []byte
		part, header, _ = bytes.Cut(header, []byte{','})
		name, parameters, _ := bytes.Cut(part, []byte{';'})
		if !equalFold(bytes.TrimSpace(name), encoding) {
			continue
		}
		return !refused(parameters)
	}
	return false
}

// refused reports whether parameters say q=0, in any of the ways to write it.
func refused(parameters []byte) bool {
	key, value, found := bytes.Cut(parameters, []byte{'='})
	if !found || !equalFold(bytes.TrimSpace(key), "q") {
		return false
	}
	value = bytes.TrimSpace(value)
	return len(value) > 0 && len(bytes.Trim(value, "0.")) == 0
}

// equalFold compares ASCII letters in any case with lower-case ones.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
