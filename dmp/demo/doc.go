// Package demo makes up the visitors of five sites and lets them browse: real HTTP
// hits to a real pixel, each browser with a cookie jar of its own. It knows what
// every one of them brought, so that a count can be checked against it.
//
// There are only a few types: a [Population] is everybody, [Options] say where the
// pixel is, an [Expectation] is an expression and what it should count. [Population.History]
// is what the members of the club did in the past weeks, as a file to import;
// [Pages] are a news site and a shop to look at.
//
// Visitors have tastes, and pages follow them: who likes tennis buys rackets. Days
// have a rhythm: who likes to travel looks at the weekend. Some refuse cookies, some
// are robots, some never come back, some ask not to be tracked: none of these may
// be counted. Some have two browsers: two users, unless they sign in.
//
// The invariant: what is told to the pixel is what a page's tag tells, addresses and
// events. The labels come of the rules in [Configuration].
//
// The gotcha: a visitor comes from an address of its own, told in X-Forwarded-For.
// The pixel must trust the address the demo comes from, as Configuration says it
// does, or else limits per address refuse most of them.
package demo

import (
	_ "embed"
	"strings"
)

// Configuration returns the configuration file of the demo, without data, keys and
// listen. The secret is the one under which the club signs who has signed in.
func Configuration(secret string) string { return strings.ReplaceAll(configuration, "SECRET", secret) }

//go:embed sosie.yaml
var configuration string

// Space is the id space of the club's members.
const Space = "site/club"
