package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// measured are the libraries whose versions decide what the figures mean.
var measured = []string{
	"github.com/valyala/fasthttp",
	"github.com/dgraph-io/badger/v4",
	"github.com/RoaringBitmap/roaring/v2",
	"github.com/tink-crypto/tink-go/v2",
}

// Machine is where and with what a report was measured.
type Machine struct {
	Cores     int               `json:"cores"`
	CPU       string            `json:"cpu"`
	OS        string            `json:"os"`
	Go        string            `json:"go"`
	Libraries map[string]string `json:"libraries"`
}

// ThisMachine describes the machine and the binary that runs.
func ThisMachine() Machine {
	m := Machine{
		Cores: runtime.GOMAXPROCS(0), CPU: cpuModel(),
		OS: strings.TrimSpace(runtime.GOOS + " " + kernel()), Go: runtime.Version(),
		Libraries: map[string]string{},
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, dep := range build.Deps {
		for _, path := range measured {
			if dep.Path == path {
				m.Libraries[shortName(path)] = dep.Version
			}
		}
	}
	return m
}

// String writes the machine as one line.
func (m Machine) String() string {
	line := fmt.Sprintf("machine: %d cores (%s), %s, %s", m.Cores, m.CPU, m.OS, m.Go)
	for _, path := range measured {
		if v := m.Libraries[shortName(path)]; v != "" {
			line += ", " + shortName(path) + " " + v
		}
	}
	return line
}

func shortName(path string) string {
	parts := strings.Split(path, "/")
	return parts[2]
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(release))
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
