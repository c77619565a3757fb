package main

import (
	"runtime"
	"runtime/debug"

	"sosie/dmp"
)

// version prints what this program is.
type version struct{}

// Run prints version, revision and toolchain.
func (version) Run(c *console) error {
	revision := ""
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return c.printf("sosie %s%s %s %s/%s\n", dmp.Version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
