// Package place tells from an address in which country and region a hit is,
// from an MMDB file that the operator supplies (GeoLite2 or GeoIP2 Country or
// City, DB-IP, or any other with country.iso_code and subdivisions).
//
// There is one type: [Places] appends to the labels of a hit place/<country>
// and place/<country>/<region>, by the codes of ISO 3166 in lower case.
//
// The invariant: nothing sees an address before its last byte (IPv4) or its last
// ten bytes (IPv6) are gone, and nothing keeps what is left. A file can declare
// at most [MaxCountries] and [MaxRegions] labels, whatever is in it.
//
// The gotcha: the file is read into memory whole, not mapped. A mapped file that
// is overwritten in place ends the process with SIGBUS.
package place
