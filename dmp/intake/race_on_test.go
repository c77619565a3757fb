//go:build race

package intake

// raceEnabled makes the tests with much to do smaller: the race detector makes
// them ten times as slow.
const raceEnabled = true
