package dmp

import (
	"time"

	"sosie/dmp/partner"
)

// PartnerDoor opens the door for the servers of sites and partners: what it
// returns has the server to serve, and is closed when that has ended.
func (d *DMP) PartnerDoor() (*partner.Door, error) {
	door, err := partner.New(partner.House{
		Keyring: d.tokens, Store: d.store, Members: d.members, Arrivals: d.arrivals,
		Pseudonyms: d.keys.Partner, Visitor: d.pixel.Visitor, Writes: d.pixel.MayWrite, Rules: d.pageLabels,
		Dir: d.config.Data, Clock: time.Now,
	}, partner.Limits{})
	if err != nil {
		return nil, &Error{Op: "open", Object: "partner door", Err: err}
	}
	d.partner.Store(door)
	return door, nil
}
