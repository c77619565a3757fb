package dmp

import (
	"errors"

	"sosie/pixel/place"
)

// openPlaces reads the file of places, if there is one.
func (d *DMP) openPlaces() (err error) {
	if d.config.Places == "" {
		return nil
	}
	if d.places, err = place.Open(d.config.Places, d.store); err != nil {
		return placesError(d.config.Places, err)
	}
	d.pixel.SetPlaces(d.places)
	return nil
}

func placesError(path string, err error) error {
	return &Error{Op: "open", Object: "places " + path, Err: errors.Unwrap(err), Hint: "places names an MMDB file with country.iso_code, such as GeoLite2-Country.mmdb or GeoLite2-City.mmdb."}
}
