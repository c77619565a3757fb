package dmp

import (
	"fmt"
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written in configuration as 512MiB, 4GiB or plain
// bytes.
type Size int64

// ParseSize reads 512MiB, 4GB (powers of ten) or a plain number of bytes.
func ParseSize(s string) (Size, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("size %q: want bytes, or a number with a unit as in 512MiB or 4GiB", s)
	}
	return Size(n), nil
}

// UnmarshalText reads a size, for flags, environment and YAML.
func (s *Size) UnmarshalText(text []byte) error {
	size, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = size
	return nil
}

// MarshalText writes a size that ParseSize reads back exactly.
func (s Size) MarshalText() ([]byte, error) {
	for _, unit := range []struct {
		bytes Size
		name  string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if s != 0 && s%unit.bytes == 0 {
			return []byte(strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name), nil
		}
	}
	return []byte(strconv.FormatInt(int64(s), 10)), nil
}

// String writes the size rounded for people: 512 MiB.
func (s Size) String() string { return humanize.IBytes(uint64(max(s, 0))) }
