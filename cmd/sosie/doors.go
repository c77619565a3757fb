package main

import (
	"sosie/dmp"
	"sosie/dmp/office"
)

// doorsOf opens the doors beside the pixel that a configuration asks for. Close
// what it returns when they no longer serve.
func doorsOf(d *dmp.DMP, config dmp.Config) (doors dmp.Doors, closeDoors func() error, err error) {
	doors.Office = dmp.HTTPDoor(office.New(d, d.Keyring(), config.OfficeHosts, config.MetricsOpen).Server())
	closeDoors = func() error { return nil }
	if config.Partner == "" {
		return doors, closeDoors, nil
	}
	door, err := d.PartnerDoor()
	if err != nil {
		return doors, closeDoors, err
	}
	doors.Partner = door.Server()
	return doors, door.Close, nil
}
