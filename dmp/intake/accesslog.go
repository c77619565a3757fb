package intake

import (
	"bytes"
	"time"

	"sosie/storage"
)

// accessLogReader reads the access logs of web servers, in common format and in
// combined format, which adds referrer and agent:
//
//	client - user [10/Oct/2000:13:55:36 -0700] "GET /page?query HTTP/1.0" 200 2326
//	client - user [10/Oct/2000:13:55:36 -0700] "GET /page HTTP/1.1" 200 2326 "referrer" "agent"
//
// A page view is a GET that was answered with 2xx or 304, of an agent that is
// no robot. Anything else is right and skipped. What follows the agent is not
// looked at.
type accessLogReader struct {
	*lines
	robot func(agent []byte) bool
	// verdicts remembers agents, for telling a robot takes hundreds of
	// microseconds.
	verdicts map[string]bool
}

const (
	accessLogTime = "02/Jan/2006:15:04:05 -0700"
	// maxVerdicts bounds the agents remembered.
	maxVerdicts = 50_000
)

// Next reads one line.
func (r *accessLogReader) Next(e *Event) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	client, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(client) == 0 || string(client) == "-" {
		return r.bad("it names no client")
	}
	_, rest, ok = bytes.Cut(rest, []byte(" [")) // a user's name may hold spaces
	stamp, rest, closed := bytes.Cut(rest, []byte("] "))
	at, err := time.Parse(accessLogTime, string(stamp))
	if !ok || !closed || err != nil {
		return r.bad("it holds no time such as [10/Oct/2000:13:55:36 -0700]")
	}
	request, rest, ok := quoted(rest)
	if !ok {
		return r.bad("it holds no request in quotes")
	}
	status, rest, ok := bytes.Cut(bytes.TrimPrefix(rest, []byte(" ")), []byte(" "))
	if !ok || len(status) != 3 || status[0] < '1' || status[0] > '5' {
		return r.bad("no status and size follow the request")
	}
	*e = Event{User: client, Day: storage.DayOf(at)}
	method, target, _ := bytes.Cut(request, []byte(" "))
	target, _, ok = bytes.Cut(target, []byte(" "))
	e.Path = pathOf(target)
	// A request that is none, such as "-" or what a scanner sent, was seen by the
	// server all the same: the line is right.
	e.Skip = !ok || string(method) != "GET" || len(e.Path) == 0 ||
		status[0] != '2' && string(status) != "304" || r.isRobot(agentOf(rest))
	return nil
}

// quoted takes a quoted string off the front of a text; what it holds stays
// escaped as the server wrote it.
func quoted(text []byte) (inside, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, text, false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:], true
		}
	}
	return nil, text, false
}

// agentOf returns the agent of what follows the status, or nothing in common
// format.
func agentOf(rest []byte) []byte {
	_, rest, _ = bytes.Cut(rest, []byte(" ")) // the size
	_, rest, ok := quoted(rest)
	if !ok {
		return nil
	}
	agent, _, _ := quoted(bytes.TrimPrefix(rest, []byte(" ")))
	return agent
}

// pathOf returns the path of a request's target, as it was asked for and
// without its query; nothing when there is none. A proxy's request names the
// host as well.
func pathOf(target []byte) []byte {
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	for _, scheme := range []string{"http://", "https://"} {
		if host, ok := bytes.CutPrefix(target, []byte(scheme)); ok {
			if i := bytes.IndexByte(host, '/'); i >= 0 {
				return host[i:]
			}
			return []byte("/")
		}
	}
	if len(target) == 0 || target[0] != '/' {
		return nil
	}
	return target
}

func (r *accessLogReader) isRobot(agent []byte) bool {
	if len(agent) == 0 || r.robot == nil {
		return false
	}
	verdict, known := r.verdicts[string(agent)]
	if !known {
		verdict = r.robot(agent)
		if r.verdicts == nil || len(r.verdicts) >= maxVerdicts {
			r.verdicts = map[string]bool{}
		}
		r.verdicts[string(agent)] = verdict
	}
	return verdict
}
