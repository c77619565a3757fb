package dmp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sosie/audience"
	"sosie/storage"
)

// DeleteLabel ends a label. One that the configuration declares would be declared
// again at the next start, so it is refused.
func (d *DMP) DeleteLabel(_ context.Context, name string) error {
	name = strings.ToLower(name)
	fail := func(err error, hint string) error {
		return &Error{Op: "delete", Object: "label " + name, Err: err, Hint: hint}
	}
	for _, spec := range d.config.labelSpecs() {
		if spec.Name == name {
			return fail(caused{errors.New("the configuration declares it"), storage.ErrBadLabel}, "Take it out of the configuration file first, and restart.")
		}
	}
	err := d.store.DeleteLabel(name)
	if err == nil {
		err = d.store.Sync()
	}
	if errors.Is(err, storage.ErrBadLabel) {
		if near, ok := audience.Nearest(name, d.store.Labels().Names()); ok && near != name {
			return fail(err, fmt.Sprintf("Did you mean %s?", near))
		}
	}
	if err != nil {
		return fail(err, hintOf(err))
	}
	return nil
}
