package intake

import (
	"bytes"
	"time"

	"sosie/pixel/rules"
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
	verdicts map[string]verdict
	page     rules.Page
}

// verdict is what an agent says of whoever has it.
type verdict struct {
	robot  bool
	device rules.Device
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
	referrer, agent := referrerAndAgent(rest)
	seen := r.verdict(agent)
	e.Page = &r.page
	r.page = rules.Page{Referrer: referrer, Device: seen.device, Time: at}
	setTarget(e.Page, target)
	// A request that is none, such as "-" or what a scanner sent, was seen by the
	// server all the same: the line is right.
	e.Skip = !ok || string(method) != "GET" || len(e.Page.Path) == 0 ||
		status[0] != '2' && string(status) != "304" || seen.robot
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

// referrerAndAgent returns what follows the status and the size, or nothing in
// common format.
func referrerAndAgent(rest []byte) (referrer, agent []byte) {
	_, rest, _ = bytes.Cut(rest, []byte(" ")) // the size
	referrer, rest, ok := quoted(rest)
	if !ok {
		return nil, nil
	}
	agent, _, _ = quoted(bytes.TrimPrefix(rest, []byte(" ")))
	return referrer, agent
}

// setTarget takes a request's target apart; its path stays empty when there is
// none. A proxy's request names the host as well. One that begins with two
// slashes is a path all the same.
func setTarget(p *rules.Page, target []byte) {
	if len(target) == 0 || target[0] != '/' {
		p.SetURL(target)
		return
	}
	target, _, _ = bytes.Cut(target, []byte("#"))
	p.Path, p.Query, _ = bytes.Cut(target, []byte("?"))
}

func (r *accessLogReader) verdict(agent []byte) verdict {
	if len(agent) == 0 || r.robot == nil {
		return verdict{}
	}
	v, known := r.verdicts[string(agent)]
	if !known {
		v = verdict{robot: r.robot(agent), device: rules.DeviceOf(agent)}
		if r.verdicts == nil || len(r.verdicts) >= maxVerdicts {
			r.verdicts = map[string]verdict{}
		}
		r.verdicts[string(agent)] = v
	}
	return v
}
