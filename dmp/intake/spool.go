package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"sosie/storage"
	"sosie/storage/device"
)

const (
	// spoolStep is after how many bytes the free room is looked at again.
	spoolStep = 16 << 20
	// spoolMargin is what a spooled file leaves above the reserve, for the rows
	// that are to be made of it.
	spoolMargin = 256 << 20
)

// spool copies a file that can be read only once into a file without a name,
// which ends with the process at the latest. It never takes room that the
// store keeps in reserve.
func (h *House) spool(ctx context.Context, file io.Reader) (_ *os.File, err error) {
	aside, err := os.CreateTemp(h.Dir, "import-*.part")
	if err != nil {
		return nil, fmt.Errorf("spool file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("spool file: %w", err), aside.Close())
		}
	}()
	if err := os.Remove(aside.Name()); err != nil {
		return aside, err
	}
	for {
		free, err := device.Free(h.Dir)
		if err != nil {
			return aside, err
		}
		if free < h.Reserve+spoolMargin {
			return aside, fmt.Errorf("%w: %d MiB are free", storage.ErrFull, free>>20)
		}
		n, err := io.CopyN(aside, file, spoolStep)
		if err == io.EOF && n < spoolStep {
			_, err = aside.Seek(0, io.SeekStart)
			return aside, err
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return aside, err
		}
	}
}
