package bench

import (
	"fmt"
	"os"
	"sync"
)

// TerminalProgress returns a Progress that keeps one line of a terminal up to
// date, and end, which wipes it. When the file is no terminal both do nothing.
func TerminalProgress(f *os.File) (progress func(string), end func()) {
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	var mu sync.Mutex
	line := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(f, "\r\x1b[K%s", text)
	}
	return line, func() { line("") }
}
