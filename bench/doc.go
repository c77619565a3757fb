// Package bench measures Sosie beside the least that any program would need for
// the same result, and replays real traffic through it.
//
// Each benchmark is one function: Storage, Segment, Pixel, Soak, Replay. It
// takes a flat struct of options, drives only the public faces of the other
// packages, and writes one report. A figure stands beside its floor, measured in
// the same run and in alternated rounds: bare fasthttp, raw fdatasync, bitmaps
// by hand. Where two sides answer a question, their answers are compared first,
// and a difference is an error, not a figure.
//
// The gotcha: absolute figures mean little on a shared machine. Trust ratios of
// one run, and medians with their spread.
package bench
