//go:build !linux

package floor

import "os"

// fdatasync is a full sync where the system knows no lesser one.
func fdatasync(f *os.File) error { return f.Sync() }
