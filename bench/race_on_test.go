//go:build race

package bench

// raceEnabled shortens what the race detector would make long.
const raceEnabled = true
