package pixel

import (
	"errors"
	"fmt"
	"time"
)

// Limits bound what strangers may cost. The zero value stands for
// DefaultLimits; otherwise every field must be set, since the server beneath
// takes 0 for "no limit" or for a default of its own. Only fields that say so
// may be 0.
type Limits struct {
	// ReadBuffer is the most bytes of a request's line and headers; a longer
	// one gets 431. Browsers with many cookies send 10 KB and more. Each active
	// connection holds a buffer of this size.
	ReadBuffer int `yaml:"read_buffer"`
	// WriteBuffer is the bytes of the buffer for answers, per active connection.
	WriteBuffer int `yaml:"write_buffer"`
	// Body is the most bytes of a beacon's body; a request with a longer one gets
	// 413.
	Body int `yaml:"body"`
	// ReadTimeout is how long a request may take to arrive, from its first
	// byte, or from the opening of the connection. Bytes that dribble in do not
	// extend it.
	ReadTimeout time.Duration `yaml:"read_timeout"`
	// WriteTimeout is how long an answer may take to leave.
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// IdleTimeout is how long a connection may wait for its next request.
	// Opening one again costs a TLS handshake, many times a hit.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	// KeepAlive is the time between the probes that find peers that vanished.
	KeepAlive time.Duration `yaml:"keep_alive"`
	// Connections is the most open at once; more are answered 503 and closed.
	// Each can cost the two buffers and a stack, about 30 KB by default.
	Connections int `yaml:"connections"`
	// ConnectionsPerAddress is the most open at once of one IPv4 address or one
	// IPv6 /64; more are closed unanswered. A mobile carrier hides thousands of
	// browsers behind one address. Trusted proxies have no limit. 0 = unlimited.
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// ClaimsPerHour is how many new users one IPv4 address or one IPv6 /64 may
	// make in an hour; the hits of more are answered and not recorded.
	// 0 = unlimited.
	ClaimsPerHour int `yaml:"claims_per_hour"`
	// AgentsPerHour is how many agents never met before one IPv4 address or one
	// IPv6 /64 may bring in an hour. To tell whether an agent is a robot costs
	// 3 µs a byte, so the hits of more are answered and not recorded.
	// 0 = unlimited.
	AgentsPerHour int `yaml:"agents_per_hour"`
	// NamesPerHour is how many labels not met before one IPv4 address or one IPv6
	// /64 may bring in an hour, at sites that create labels. 0 = unlimited.
	NamesPerHour int `yaml:"names_per_hour"`
	// CreatedLabels is the most labels that hits may create under a site's prefix,
	// those that are there already among them.
	CreatedLabels int `yaml:"created_labels"`
	// Addresses is how many addresses each limit per hour remembers, 16 bytes
	// each. With more at a time, those that used least are forgotten.
	Addresses int `yaml:"addresses"`
	// HitsPerUserPerDay is how many hits a user may make on one UTC day; one that
	// makes more is marked as a robot: it stays in counts and leaves lookalikes and
	// exports. At most 65,534; 0 marks nobody. A user met today takes two bytes.
	HitsPerUserPerDay int `yaml:"hits_per_user_per_day"`
	// Agents is how many verdicts on agents are remembered, 8 bytes each.
	Agents int `yaml:"agents"`
	// Agent is the bytes of an agent that are looked at.
	Agent int `yaml:"agent"`
	// Query is the most bytes of a query; a hit with a longer one is answered
	// and not recorded.
	Query int `yaml:"query"`
	// Labels is the most labels of a hit; more are not stored.
	Labels int `yaml:"labels"`
}

// DefaultLimits returns the limits that hold where nothing else is said.
func DefaultLimits() Limits {
	return Limits{
		ReadBuffer:            16 << 10,
		WriteBuffer:           4 << 10,
		Body:                  8 << 10,
		ReadTimeout:           5 * time.Second,
		WriteTimeout:          5 * time.Second,
		IdleTimeout:           60 * time.Second,
		KeepAlive:             30 * time.Second,
		Connections:           16 << 10,
		ConnectionsPerAddress: 1024,
		ClaimsPerHour:         1000,
		AgentsPerHour:         1000,
		NamesPerHour:          100,
		CreatedLabels:         1000,
		HitsPerUserPerDay:     1000,
		Addresses:             64 << 10,
		Agents:                32 << 10,
		Agent:                 512,
		Query:                 4096,
		Labels:                64,
	}
}

// check returns what is wrong with the limits, all at once.
func (l Limits) check() error {
	var wrong []error
	for _, f := range []struct {
		name            string
		value, min, max int64
	}{
		{"read_buffer", int64(l.ReadBuffer), 1 << 10, 1 << 20},
		{"write_buffer", int64(l.WriteBuffer), 512, 1 << 20},
		{"body", int64(l.Body), 1, 1 << 20},
		{"read_timeout", int64(l.ReadTimeout), int64(time.Millisecond), int64(time.Hour)},
		{"write_timeout", int64(l.WriteTimeout), int64(time.Millisecond), int64(time.Hour)},
		{"idle_timeout", int64(l.IdleTimeout), int64(time.Millisecond), int64(time.Hour)},
		{"keep_alive", int64(l.KeepAlive), int64(time.Second), int64(time.Hour)},
		{"connections", int64(l.Connections), 1, 1 << 20},
		{"connections_per_address", int64(l.ConnectionsPerAddress), 0, 1 << 20},
		{"claims_per_hour", int64(l.ClaimsPerHour), 0, 1 << 30},
		{"agents_per_hour", int64(l.AgentsPerHour), 0, 1 << 30},
		{"names_per_hour", int64(l.NamesPerHour), 0, 1 << 30},
		{"created_labels", int64(l.CreatedLabels), 0, 1 << 20},
		{"hits_per_user_per_day", int64(l.HitsPerUserPerDay), 0, maxBusy},
		{"addresses", int64(l.Addresses), 1, 1 << 26},
		{"agents", int64(l.Agents), 1, 1 << 26},
		{"agent", int64(l.Agent), 16, 16 << 10},
		{"query", int64(l.Query), 64, 1 << 20},
		{"labels", int64(l.Labels), 1, 1 << 10},
	} {
		if f.value < f.min || f.value > f.max {
			wrong = append(wrong, fmt.Errorf("limit %s is %d: want %d to %d", f.name, f.value, f.min, f.max))
		}
	}
	return errors.Join(wrong...)
}
