//go:build !linux

package load

import (
	"context"
	"errors"
	"fmt"
)

func run(context.Context, Options, Traffic) (Result, error) {
	return newResult(), fmt.Errorf("this client is built on epoll, run it on Linux: %w", errors.ErrUnsupported)
}
