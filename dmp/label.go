package dmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sosie/audience"
	"sosie/storage"
)

// Dictionary is the labels that are declared, at this moment.
func (d *DMP) Dictionary() *storage.Labels { return d.store.Labels() }

// MayWrite reports whether a label is one that a configured site brings.
func (d *DMP) MayWrite(site, label string) bool { return d.pixel.MayWrite(site, label) }

// MayWriteAll reports whether a configured site may bring every label under a
// prefix, which ends in a slash.
func (d *DMP) MayWriteAll(site, prefix string) bool { return d.pixel.MayWriteAll(site, prefix) }

// DeleteLabel ends a label. One that the configuration declares would be declared
// again at the next start, so it is refused.
func (d *DMP) DeleteLabel(_ context.Context, name string) error {
	name = strings.ToLower(name)
	fail := func(err error, hint string) error {
		return &Error{Op: "delete", Object: "label " + name, Err: err, Hint: hint}
	}
	if slices.ContainsFunc(d.declared.Load().labels, func(l Label) bool { return l.Name == name }) {
		hint, err := d.readOnly("it")
		return fail(err, hint)
	}
	if by := d.granting()[name]; len(by) > 0 {
		hint, err := d.readOnly("a rule that grants it: " + by[0])
		return fail(err, hint)
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
