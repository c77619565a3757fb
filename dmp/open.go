package dmp

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sosie/audience/members"
	"sosie/audience/segments"
	"sosie/dmp/access"
	"sosie/dmp/alert"
	"sosie/dmp/intake"
	"sosie/dmp/partner"
	"sosie/dmp/quality"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/pixel/place"
	"sosie/storage"
)

// DMP is an open data directory with its keys and the pixel that writes to it.
// All methods may be called concurrently.
type DMP struct {
	// config is what the house was opened with; its sites and labels may have been
	// reloaded since, and are in declared.
	config   Config
	declared atomic.Pointer[declared]
	store    *storage.Store
	keys     *identity.Keys
	pixel    *pixel.Pixel
	segments *segments.Shelf
	members  *members.Members
	arrivals *intake.Arrivals
	tokens   *access.Keyring
	places   *place.Places   // nil without a file
	rhythm   *quality.Rhythm // of labels
	bell     *alert.Bell
	log      *slog.Logger
	opened   time.Time
	fresh    bool
	// importing holds a token while an import runs.
	importing chan struct{}

	certificate *certificate
	reloading   sync.Mutex

	serving address
	doors   atomic.Pointer[Addresses]    // nil while nothing is served
	partner atomic.Pointer[partner.Door] // nil while it is closed
	dumps   sync.WaitGroup
}

// declared is what of the configuration a running server takes anew.
type declared struct {
	sites  []pixel.Site
	labels []Label
}

// Open opens the data directory, or creates it together with its keys, and
// declares the sites and labels of the configuration. A failure is an *Error;
// it wraps storage.ErrLocked when another process has the directory,
// ErrNoKeys when the data's keys are gone, ErrNoStore when the keys' data is.
func Open(c Config) (*DMP, error) {
	c = c.WithDefaults()
	if c.Memory > 0 {
		debug.SetMemoryLimit(int64(c.Memory))
	}
	options := storage.Options{Dir: c.Data, Memory: int64(c.Memory), Reserve: int64(c.Reserve)}
	d := &DMP{config: c, opened: time.Now(), log: slog.New(slog.DiscardHandler), importing: make(chan struct{}, 1)}
	exists, err := created(c.Data)
	if err == nil && !exists {
		d.store, err = create(c, options)
		d.fresh = d.store != nil
	}
	if err == nil && d.store == nil {
		d.store, err = storage.Open(options)
	}
	if err != nil {
		return nil, openError(c.Data, err)
	}
	if err := d.wire(); err != nil {
		return nil, errors.Join(err, d.store.Close())
	}
	return d, nil
}

// wire opens what lies on top of the store.
func (d *DMP) wire() (err error) {
	d.declared.Store(&declared{d.config.Sites, d.config.Labels})
	if d.certificate, err = openCertificate(d.config.TLS); err != nil {
		return err
	}
	if d.keys, err = identity.OpenKeys(d.config.Keys, d.store.ID()); err != nil {
		return d.keysError(err)
	}
	if specs := d.config.labelSpecs(); len(specs) > 0 {
		if _, err := d.store.Declare(specs...); err != nil {
			return &Error{Op: "declare", Object: "labels", Err: err, Hint: hintOf(err)}
		}
	}
	d.segments = d.newShelf()
	d.arrivals = intake.NewArrivals(d.store)
	d.members = members.New(d.store, members.Options{})
	if d.tokens, err = access.Open(d.store.Documents()); err != nil {
		return &Error{Op: "open", Object: "tokens", Err: err}
	}
	pixels := d.config.pixel()
	pixels.Inspect = d.mayTrace
	if d.pixel, err = pixel.New(pixels, d.keys, d.store, nil); err != nil {
		return &Error{Op: "open", Object: "pixel", Err: err, Hint: hintOf(err)}
	}
	d.pixel.SetMemberships(d.members)
	if err := d.openPlaces(); err != nil {
		return err
	}
	return d.openBell()
}

// keysError says what would be lost if new keys were made for the store.
func (d *DMP) keysError(err error) error {
	if !errors.Is(err, identity.ErrNoKeys) {
		return &Error{Op: "open keys", Object: d.config.Keys, Err: err}
	}
	status, statusErr := d.store.Status()
	if statusErr != nil {
		return &Error{Op: "open keys", Object: d.config.Keys, Err: errors.Join(err, statusErr)}
	}
	return &Error{Op: "open keys", Object: d.config.Keys,
		Err: caused{fmt.Errorf("%w: with new ones the %d users of store %s would be strangers, and every name that partners hold of them would be lost",
			ErrNoKeys, status.Users, d.store.ID()), err},
		Hint: "Restore the directory from its backup, or say where it is with --keys."}
}

func openError(data string, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	out := &Error{Op: "open", Object: data, Err: err, Hint: hintOf(err)}
	if errors.Is(err, storage.ErrLocked) {
		out.Hint = "Ask the process that has it, or wait for it to end."
	}
	return out
}

// Fresh reports whether Open created the store.
func (d *DMP) Fresh() bool { return d.fresh }

// RotateKeys makes a new key that seals cookies from now on; those of earlier
// keys still open and are sealed again at their next hit. A server that runs
// takes the new key when it starts again.
func RotateKeys(c Config) error {
	c = c.WithDefaults()
	owner, err := keysOwner(c.Keys)
	if err != nil {
		return err
	}
	if owner == "" {
		return &Error{Op: "rotate keys", Object: c.Keys, Err: ErrNoKeys, Hint: "Say where they are with --keys; they are made together with a store."}
	}
	keys, err := identity.OpenKeys(c.Keys, owner)
	if err == nil {
		err = keys.Rotate()
	}
	if err != nil {
		return &Error{Op: "rotate keys", Object: c.Keys, Err: err}
	}
	return nil
}

// Close ends what Open began. Serve must have returned. It waits for a dump that
// is still being written.
func (d *DMP) Close() error {
	d.dumps.Wait()
	if err := d.store.Close(); err != nil {
		return &Error{Op: "close", Object: d.config.Data, Err: err}
	}
	return nil
}
