// Package demo makes up the visitors of three sites and lets them browse: real
// HTTP hits to a real pixel, each visitor with a cookie jar of its own. It knows
// what every visitor brought, so that a count can be checked against it.
//
// Visitors have a taste, and labels follow it: who likes tennis buys rackets.
// Some refuse cookies, some are robots, some never come back, some ask not to
// be tracked: none of these may be counted.
//
// The gotcha: a visitor comes from an address of its own, told in
// X-Forwarded-For. The pixel must trust the address the demo comes from, as
// Configuration says it does, or else limits per address refuse most of them.
package demo

import _ "embed"

// Configuration is the configuration file of the demo, without data, keys and
// listen.
//
//go:embed sosie.yaml
var Configuration string
