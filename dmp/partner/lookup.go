package partner

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/storage"
)

// lookup is the memory of one look-up, used again by others.
type lookup struct {
	out          []byte
	names        []string
	destinations []string
}

var userParameter = []byte("user")

// answerSegments says in which published segments the users of the request are, in
// its order:
//
//	{"users":[{"user":"site/shop:1","segments":["buyers"]}],"seq":7,"day":"2026-11-24","at":"…"}
func (d *Door) answerSegments(ctx *fasthttp.RequestCtx, c *caller) *failure {
	users := ctx.QueryArgs().PeekMultiBytes(userParameter)
	switch {
	case len(users) == 0:
		return fail(fasthttp.StatusBadRequest, "no user is asked for", "GET "+SegmentsPath+"?user=…, up to "+strconv.Itoa(d.limits.Users)+" times.")
	case len(users) > d.limits.Users:
		return fail(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("%d users are asked for: at most %d", len(users), d.limits.Users), "Ask in parts.")
	case !c.users.AllowN(time.Now(), len(users)):
		return slow("too many users are asked for with this token", time.Second)
	}
	l := d.lookups.Get().(*lookup)
	defer d.lookups.Put(l)
	view := d.house.Store.View()
	var stamp storage.Stamp
	l.out = append(l.out[:0], `{"users":[`...)
	for i, ref := range users {
		u, destinations, err := d.user(l.destinations[:0], c, view, ref)
		switch l.destinations = destinations; {
		case errors.Is(err, errSpace):
			return fail(fasthttp.StatusForbidden, err.Error(), c.spaceHint())
		case err != nil:
			return unavailable(err)
		}
		if i > 0 {
			l.out = append(l.out, ',')
		}
		l.out = appendText(append(l.out, `{"user":`...), ref)
		var ok bool
		if ok, stamp = d.tell(l, u, stamp); !ok {
			return unavailable(d.house.Members.Err())
		}
		l.out = append(l.out, '}')
	}
	l.out = appendStamp(append(l.out, `],`...), stamp)
	l.out = append(l.out, "}\n"...)
	ctx.Response.SetBody(l.out)
	d.counters.lookups.Add(1)
	d.counters.users.Add(uint64(len(users)))
	return nil
}

// tell appends the segments of a user, each once, and returns the older of stamp
// and what they are true of.
func (d *Door) tell(l *lookup, u storage.Ordinal, stamp storage.Stamp) (ok bool, older storage.Stamp) {
	l.names = l.names[:0]
	asked := l.destinations
	if len(asked) == 0 { // nobody is told of, by the same work
		asked = append(asked, "")
	}
	for _, to := range asked {
		var at storage.Stamp
		if l.names, at = d.house.Members.Of(l.names, to, u); at.At.IsZero() {
			return false, stamp
		}
		if stamp.At.IsZero() || at.At.Before(stamp.At) {
			stamp = at
		}
	}
	l.out = append(l.out, `,"segments":[`...)
	first := true
names:
	for i, name := range l.names {
		for _, twice := range l.names[:i] { // published to two sites of the token
			if twice == name {
				continue names
			}
		}
		if !first {
			l.out = append(l.out, ',')
		}
		first = false
		l.out = append(append(append(l.out, '"'), name...), '"')
	}
	l.out = append(l.out, ']')
	return true, stamp
}

func appendStamp(out []byte, s storage.Stamp) []byte {
	out = strconv.AppendUint(append(out, `"seq":`...), s.Seq, 10)
	out = s.Day.Time().AppendFormat(append(out, `,"day":"`...), time.DateOnly)
	out = s.At.UTC().AppendFormat(append(out, `","at":"`...), time.RFC3339)
	return append(out, '"')
}

// appendText appends a text as JSON, without an allocation where it is plain.
func appendText(out, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(text)) // a text always marshals
			return append(out, quoted...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}
