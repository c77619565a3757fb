package bench

import (
	"time"

	"sosie/bench/meter"
	"sosie/pixel"
	"sosie/storage"
)

// The server under load is a process of its own, so that its processor time and
// its bytes are its alone. Parent and server speak JSON, one object a line, over
// the server's standard input and output: the parent sends a serveOrder once and
// then asks, the server answers each line with one.

// serveOrder says what to serve.
type serveOrder struct {
	Step   string        `json:"step"` // a rung of the ladder
	Data   string        `json:"data"`
	Keys   string        `json:"keys"`
	Shape  Shape         `json:"shape"`
	Rules  int           `json:"rules"`  // of the site
	Offset time.Duration `json:"offset"` // of the clock from real time
	Memory int64         `json:"memory"` // budget of the process, 0 for none
	// Partner opens the partner door too, whose memberships are evaluated every so
	// often.
	Partner  bool          `json:"partner,omitempty"`
	Evaluate time.Duration `json:"evaluate,omitempty"`
}

// greeting is the server's first line.
type greeting struct {
	Addr    string `json:"addr"`
	Partner string `json:"partner,omitempty"` // address of the partner door
	Store   string `json:"store"`
	Epoch   uint16 `json:"epoch"`
	Users   uint32 `json:"users"` // ordinals given out
	Error   string `json:"error,omitempty"`
}

// The things a parent asks of the server.
const (
	askUsage  = "usage"  // what was used so far
	askSettle = "settle" // the same, after everything appended is in the view
	askCount  = "count"  // an expression's users
	askExport = "export" // start writing an expression's users to a file
	askDump   = "dump"   // start writing the store to a directory
)

// question and answer of the protocol.
type order struct {
	Do         string `json:"do"`
	Expression string `json:"expression,omitempty"`
	Path       string `json:"path,omitempty"`
}

type answer struct {
	Usage usage         `json:"usage"`
	Count uint64        `json:"count"`
	Stamp storage.Stamp `json:"stamp"`
	Took  time.Duration `json:"took"`
	Error string        `json:"error,omitempty"`
}

// usage is what the server has used and done since it started.
type usage struct {
	CPU      time.Duration  `json:"cpu"`
	Written  int64          `json:"written"` // bytes to the device
	Memory   meter.Memory   `json:"memory"`
	Counters pixel.Counters `json:"counters"`
	Status   storage.Status `json:"status"`
	Exports  exported       `json:"exports"`
	Door     *doorUsage     `json:"door,omitempty"`
	Dump     dumpState      `json:"dump"`
}

// exported sums up the exports of a server.
type exported struct {
	Started int           `json:"started"`
	Done    int           `json:"done"`
	Names   uint64        `json:"names"`
	Took    time.Duration `json:"took"` // of the last one
	Error   string        `json:"error,omitempty"`
}
