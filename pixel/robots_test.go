package pixel

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sosie/pixel/rules"
)

func TestRobots(t *testing.T) {
	r := newRobots(DefaultLimits())
	for _, c := range []struct {
		agent string
		want  verdict
	}{
		{browserAgent, human},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", human},
		{"", human},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", robot},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", robot},
		{"curl/8.5.0", robot},
		{"Go-http-client/1.1", robot},
		{"python-requests/2.31", robot},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36", robot},
		{"\xff\xfe\x00", human},
		{strings.Repeat("x", 511) + " Googlebot/2.1", human}, // beyond what is looked at
	} {
		for range 2 { // checked, then remembered
			if got, _ := r.check(&Hit{Agent: []byte(c.agent)}, 0); got != c.want {
				t.Errorf("check(%.60q) = %d, want %d", c.agent, got, c.want)
			}
		}
	}
}

// TestDevices sees that the class of devices is remembered with the verdict, and
// that an agent that is not checked has none.
func TestDevices(t *testing.T) {
	limits := DefaultLimits()
	limits.AgentsPerHour = 4
	r := newRobots(limits)
	from := netip.MustParseAddr("192.0.2.1")
	for round := range 2 {
		for agent, want := range map[string]rules.Device{
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0":           rules.Desktop,
			"Mozilla/5.0 (Linux; Android 15; K) Chrome/141.0.0.0 Mobile":           rules.Mobile,
			"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Version/17.5 Mobile":    rules.Tablet,
			"Mozilla/5.0 (Linux; Android 15; K; compatible; Googlebot/2.1) Mobile": rules.Mobile,
		} {
			isRobot := strings.Contains(agent, "Googlebot")
			if v, d := r.check(&Hit{Agent: []byte(agent), Client: from}, 0); d != want || (v == robot) != isRobot {
				t.Errorf("round %d: %s is %d on %s, want %s", round, agent, v, d, want)
			}
		}
	}
	if v, d := r.check(&Hit{Agent: []byte("iPhone"), Client: from}, 0); v != unchecked || d != rules.Unknown {
		t.Errorf("one too many is %d on %s", v, d)
	}
}

// TestAgentsAreLimited sees that a stranger who makes up agents is stopped, and
// that agents known by then pass.
func TestAgentsAreLimited(t *testing.T) {
	limits := DefaultLimits()
	limits.AgentsPerHour = 3
	r := newRobots(limits)
	check := func(agent, address string, now time.Duration) verdict {
		v, _ := r.check(&Hit{Agent: []byte(agent), Client: netip.MustParseAddr(address)}, now)
		return v
	}
	for _, c := range []struct {
		agent, address string
		now            time.Duration
		want           verdict
	}{
		{"a", "192.0.2.1", 0, human}, {"b", "192.0.2.1", 0, human}, {"c", "192.0.2.1", 0, human},
		{"d", "192.0.2.1", 0, unchecked},
		{"a", "192.0.2.1", 0, human},
		{"d", "192.0.2.2", 0, human},
		{"d", "192.0.2.1", 0, human},
		{"e", "192.0.2.1", time.Hour, human},
	} {
		if got := check(c.agent, c.address, c.now); got != c.want {
			t.Errorf("agent %s of %s after %v = %d, want %d", c.agent, c.address, c.now, got, c.want)
		}
	}
}

// TestAgentsWaitInABoundedLine fills the line before the check.
func TestAgentsWaitInABoundedLine(t *testing.T) {
	r := newRobots(DefaultLimits())
	r.waiting.Store(maxChecking)
	if got, _ := r.check(&Hit{Agent: []byte("a")}, 0); got != unchecked {
		t.Errorf("beyond the line: %d", got)
	}
	if got := r.waiting.Load(); got != maxChecking {
		t.Errorf("%d wait after one left", got)
	}
	r.waiting.Store(0)
	if got, _ := r.check(&Hit{Agent: []byte("a")}, 0); got != human {
		t.Errorf("with the line empty: %d", got)
	}
}

// TestVerdictsOfFullTable sees that the table stays right when it is far too
// small.
func TestVerdictsOfFullTable(t *testing.T) {
	limits := DefaultLimits()
	limits.Agents, limits.AgentsPerHour = 16, 0
	r := newRobots(limits)
	for round := range 2 {
		for i := range 100 {
			agent, want := fmt.Sprintf("browser %d", i), human
			if i%2 == 0 {
				agent, want = fmt.Sprintf("Googlebot %d", i), robot
			}
			if got, _ := r.check(&Hit{Agent: []byte(agent)}, 0); got != want {
				t.Fatalf("round %d: check(%s) = %d, want %d", round, agent, got, want)
			}
		}
	}
}

func BenchmarkRobots(b *testing.B) {
	limits := DefaultLimits()
	limits.AgentsPerHour = 0
	r := newRobots(limits)
	hit := &Hit{Agent: []byte(browserAgent)}
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.check(hit, 0)
		}
	})
	for _, size := range []int{80, 128, 256, 512} {
		b.Run(fmt.Sprintf("new of %d bytes", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				agent := fmt.Appendf(nil, "%s %d %s", browserAgent, i, strings.Repeat("ab c;d/1 ", 60))
				r.check(&Hit{Agent: agent[:size]}, 0)
			}
		})
	}
}
