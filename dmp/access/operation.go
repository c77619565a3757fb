package access

import "slices"

// Operation is one thing that can be asked of a door.
type Operation uint8

// The operations, each of one door.
const (
	// CountUsers asks how many users an expression means, today or day by day.
	CountUsers Operation = iota
	// CompareUsers asks what expressions, or an expression and the labels, have in
	// common.
	CompareUsers
	// ExplainPlan asks how an expression is evaluated.
	ExplainPlan
	// ListUsers asks who the users are.
	ListUsers
	// ReadSegments lists and shows saved segments.
	ReadSegments
	// WriteSegments saves, copies, renames and deletes them.
	WriteSegments
	// PublishSegments lets sites and partners know who is in a segment.
	PublishSegments
	// ReadLabels lists labels.
	ReadLabels
	// WriteLabels ends them.
	WriteLabels
	// ReadStatus asks how the house is doing.
	ReadStatus
	// ReadMetrics asks the same for a machine.
	ReadMetrics
	// ManageTokens makes, lists and revokes tokens.
	ManageTokens
	// TracePixel asks the pixel what became of a hit, and why.
	TracePixel
	// SendEvents brings events in at the partner door.
	SendEvents
	// ReadMembership asks the partner door in which published segments a user is.
	ReadMembership

	operations
)

// table is who may do what.
var table = [operations]struct {
	name string
	may  []Role
}{
	CountUsers:      {"count users", []Role{Buyer, Admin}},
	CompareUsers:    {"compare users", []Role{Buyer, Admin}},
	ExplainPlan:     {"explain a plan", []Role{Buyer, Admin}},
	ListUsers:       {"list users", []Role{Admin}},
	ReadSegments:    {"read segments", []Role{Buyer, Admin}},
	WriteSegments:   {"write segments", []Role{Buyer, Admin}},
	PublishSegments: {"publish segments", []Role{Admin}},
	ReadLabels:      {"read labels", []Role{Buyer, Admin}},
	WriteLabels:     {"write labels", []Role{Admin}},
	ReadStatus:      {"read status", []Role{Admin}},
	ReadMetrics:     {"read metrics", []Role{Admin}},
	ManageTokens:    {"manage tokens", []Role{Admin}},
	TracePixel:      {"trace the pixel", []Role{Admin}},
	SendEvents:      {"send events", []Role{Site}},
	ReadMembership:  {"read membership", []Role{Site, Partner}},
}

// Operations returns all operations.
func Operations() []Operation {
	out := make([]Operation, operations)
	for i := range out {
		out[i] = Operation(i)
	}
	return out
}

// String says what is done, such as "count users".
func (op Operation) String() string {
	if op < operations {
		return table[op].name
	}
	return "unknown operation"
}

// Allowed reports whether a role may do something at all.
func Allowed(r Role, op Operation) bool {
	return op < operations && slices.Contains(table[op].may, r)
}
