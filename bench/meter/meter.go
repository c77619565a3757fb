// Package meter reads what the operating system and the Go runtime say about
// this process: processor time, bytes for the device, memory, bytes on disk.
//
// The gotchas: bytes written are counted when a page is made dirty, by this
// process, on any file system that has a device behind it; a page dirtied twice
// between two flushes counts once, one dirtied again after a flush counts again,
// which is what reaches the device. Files on tmpfs have no device and are not
// counted. Sizes of directories are allocated blocks, because Badger preallocates
// sparse files.
package meter

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPU returns the processor time this process has used, user and system, over
// all threads.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Written returns the bytes this process has caused to be written to devices,
// less what was truncated away before it got there. It needs Linux.
func Written() (int64, error) {
	written, err := procField("/proc/self/io", "write_bytes:")
	if err != nil {
		return 0, err
	}
	cancelled, err := procField("/proc/self/io", "cancelled_write_bytes:")
	return written - cancelled, err
}

// Memory is how much memory the process holds, in bytes.
type Memory struct {
	Resident int64 `json:"resident"` // all pages, cached files included
	Anon     int64 `json:"anon"`     // pages that only this process has
	Heap     int64 `json:"heap"`     // live Go objects and those not yet swept
}

// ReadMemory reads the memory of this process without collecting garbage.
func ReadMemory() (Memory, error) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m := Memory{Heap: int64(stats.HeapAlloc)}
	rss, err := procField("/proc/self/status", "VmRSS:")
	if err != nil {
		return m, err
	}
	anon, err := procField("/proc/self/status", "RssAnon:")
	m.Resident, m.Anon = rss<<10, anon<<10
	return m, err
}

// Live collects garbage and returns the bytes and the number of the objects
// that remain, and how long one more forced collection took in all.
func Live() (bytes, objects int64, collection time.Duration) {
	runtime.GC()
	runtime.GC() // what finalizers of the first one released
	start := time.Now()
	runtime.GC()
	collection = time.Since(start)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc), int64(stats.HeapObjects), collection
}

func procField(path, name string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read meter: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == name {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("read meter %s: no field %s", path, name)
}

// Disk returns the bytes that the files below the directories occupy. A link
// given as a directory is followed.
func Disk(dirs ...string) (int64, error) {
	var total int64
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return 0, fmt.Errorf("measure disk: %w", err)
		}
		err = filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return skipGone(err)
			}
			info, err := d.Info()
			if err != nil {
				return skipGone(err)
			}
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				total += stat.Blocks * 512
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("measure disk: %w", err)
		}
	}
	return total, nil
}

// skipGone forgives files that a running store removed while they were counted.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
