package dmp

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Reloaded is what a reload put in place.
type Reloaded struct {
	Sites  int `json:"sites"`
	Labels int `json:"labels"`
	// Fresh are the labels declared for the first time, by name.
	Fresh []string `json:"fresh_labels"`
}

// reloadable are the keys of the configuration that a running server takes anew.
var reloadable = []string{"sites", "labels"}

// Reload reads the configuration again, by Config.Reread, and puts its sites, their
// rules and its labels in place, and the files of the certificate where they have
// changed. A configuration that changes anything else is refused, whole. A label
// that the file no longer names stays.
func (d *DMP) Reload(context.Context) (Reloaded, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	fail := func(err error, hint string) (Reloaded, error) {
		return Reloaded{}, &Error{Op: "reload", Object: "configuration", Err: err, Hint: hint}
	}
	if d.config.Reread == nil || d.config.File == "" {
		return fail(fmt.Errorf("%w: the server was started without a file", ErrConfig), "Start it with --config FILE.")
	}
	next, err := d.config.Reread()
	if err == nil {
		err = next.Check()
	}
	if err != nil {
		return fail(err, Hint(err))
	}
	if fixed := changedKeys(d.config, next.WithDefaults()); len(fixed) > 0 {
		return fail(fmt.Errorf("%w: %s cannot change while the server runs", ErrConfig, strings.Join(fixed, ", ")),
			"Nothing was reloaded. Put back what "+d.config.File+" said, or restart the server.")
	}
	if _, err := d.certificate.refresh(); err != nil {
		return fail(err, Hint(err))
	}
	out := Reloaded{Sites: len(next.Sites), Labels: len(next.Labels), Fresh: []string{}}
	known := d.store.Labels()
	for _, l := range next.Labels {
		if _, ok := known.Lookup(l.Name); !ok {
			out.Fresh = append(out.Fresh, l.Name)
		}
	}
	if len(next.Labels) > 0 {
		if _, err := d.store.Declare(next.labelSpecs()...); err != nil {
			return fail(err, hintOf(err))
		}
	}
	if err := d.pixel.SetSites(next.Sites); err != nil {
		return fail(err, hintOf(err))
	}
	d.declared.Store(&declared{next.Sites, next.Labels})
	d.log.Info("reloaded", "sites", out.Sites, "labels", out.Labels, "fresh", out.Fresh)
	return out, nil
}

// changedKeys names the keys that two configurations differ in and that a running
// server keeps.
func changedKeys(a, b Config) (names []string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		name := x.Type().Field(i).Tag.Get("yaml")
		if name == "-" || slices.Contains(reloadable, name) {
			continue
		}
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			names = append(names, name)
		}
	}
	return names
}

// readOnly is why the doors do not change what the configuration file says, and
// where to change it.
func (d *DMP) readOnly(what string) (hint string, err error) {
	hint = "Take it out of the configuration first, and reload."
	if d.config.File != "" {
		hint = "Take it out of " + d.config.File + " first, and `sosie reload`."
	}
	return hint, caused{errors.New("the configuration declares " + what), ErrReadOnly}
}
