package dmp

import (
	"context"
	"runtime"
	"time"

	"sosie/audience/members"
	"sosie/dmp/alert"
	"sosie/dmp/partner"
	"sosie/pixel"
	"sosie/storage"
)

// Version is this program's version.
const Version = "0.1.0"

// Status says how the house is doing, at one moment.
type Status struct {
	Version string `json:"version"`
	// Data is the data directory.
	Data string `json:"data"`
	// Pixel is the address the pixel answers on; empty when nothing is served.
	Pixel string `json:"pixel,omitempty"`
	// PartnerDoor and Office are the addresses of the other doors; empty where one is
	// closed.
	PartnerDoor string `json:"partner_door,omitempty"`
	Office      string `json:"office,omitempty"`
	// Since is when the process that answers opened the directory.
	Since time.Time `json:"since"`
	// Store is the store's own account, with warnings for an operator.
	Store storage.Status `json:"store"`
	// FoldLag is how long ago the view was published that does not hold the
	// newest batches yet, in seconds; 0 when it holds all.
	FoldLag float64 `json:"fold_lag_seconds"`
	// Members are the memberships of the published segments.
	Members members.Status `json:"members"`
	// Process is the memory of the process that answers, in bytes.
	Process Process `json:"process"`
	// Alerts are what is wrong as of the last look of a server.
	Alerts []alert.Alert `json:"alerts"`
	// Hits are what became of the pixel's hits since the process started.
	Hits pixel.Counters `json:"hits"`
	// Partner is what became of requests at the partner door; nil while it is closed.
	Partner *partner.Counters `json:"partner,omitempty"`
}

// Process is the memory of a process, in bytes.
type Process struct {
	Heap  uint64 `json:"heap"`  // live and not yet collected objects
	Taken uint64 `json:"taken"` // taken from the system and not given back
}

// ConfirmClock says that a jump of the clock that Status warns of is right:
// deletion by retention goes on from today.
func (d *DMP) ConfirmClock(context.Context) error {
	err := d.store.ConfirmClock()
	if err == nil {
		err = d.store.Sync()
	}
	if err != nil {
		return &Error{Op: "confirm", Object: "clock", Err: err, Hint: hintOf(err)}
	}
	return nil
}

// Ready returns nil when what is acknowledged from now on can be asked about.
func (d *DMP) Ready(context.Context) error {
	if err := d.store.Sync(); err != nil {
		return &Error{Op: "answer", Object: "questions", Err: err, Hint: hintOf(err)}
	}
	return nil
}

// Status says how the house is doing. It walks the data directory.
func (d *DMP) Status(context.Context) (Status, error) {
	store, err := d.store.Status()
	if err != nil {
		return Status{}, &Error{Op: "read status", Object: d.config.Data, Err: err}
	}
	if store.Warnings == nil {
		store.Warnings = []string{}
	}
	store.Warnings = append(store.Warnings, d.certificate.warnings()...)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s := Status{
		Version: Version, Data: d.config.Data, Pixel: d.serving.String(), Since: d.opened.UTC(), Store: store,
		Process: Process{Heap: mem.HeapAlloc, Taken: mem.Sys - mem.HeapReleased}, Hits: d.pixel.Counters(), Alerts: d.bell.Firing(),
		Members: d.members.Status(),
	}
	if at := d.doors.Load(); at != nil {
		s.PartnerDoor, s.Office = at.text(at.Partner), at.text(at.Office)
	}
	if door := d.partner.Load(); door != nil {
		counters := door.Counters()
		s.Partner = &counters
	}
	if store.Log.Folded < store.Log.Seq {
		s.FoldLag = max(0, d.store.Lag().Seconds())
	}
	return s, nil
}
