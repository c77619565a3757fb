package pixel_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
	"sosie/storage/block"
)

// The crash tests run the pixel in a process of its own, load it over HTTP,
// stop it without mercy, and compare what was acknowledged with what is there.

var (
	crashRounds = flag.Int("crash-rounds", 2, "rounds of each crash test; the full proof takes 50")
	crashLoad   = flag.Duration("crash-load", 700*time.Millisecond, "load before each crash")
)

const (
	serveDir      = "SOSIE_TEST_SERVE_DIR"
	serveKeys     = "SOSIE_TEST_SERVE_KEYS"
	serveReserve  = "SOSIE_TEST_SERVE_RESERVE"
	serveUnsynced = "SOSIE_TEST_SERVE_UNSYNCED"

	crashLabels   = 200
	crashVisitors = 64
)

// TestServeForCrash is the process that the others kill.
func TestServeForCrash(t *testing.T) {
	dir := os.Getenv(serveDir)
	if dir == "" {
		t.Skip("only the crash tests start it")
	}
	s, err := storage.Open(crashOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	var specs []storage.LabelSpec
	for l := range crashLabels {
		specs = append(specs, storage.LabelSpec{Name: crashLabel(l)})
	}
	if _, err := s.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	keys, err := identity.OpenKeys(os.Getenv(serveKeys), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	limits := pixel.DefaultLimits()
	limits.ClaimsPerHour, limits.ConnectionsPerAddress = 0, 0 // all come from one address
	p, err := pixel.New(pixel.Config{Sites: []pixel.Site{{Key: "shop", WithoutSignal: pixel.CollectWithoutSignal}}, Limits: limits}, keys, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", listener.Addr())
	if err := p.Server().Serve(p.Listen(listener)); err != nil {
		t.Fatal(err)
	}
}

func crashOptions(dir string) storage.Options {
	options := storage.Options{Dir: dir, Reserve: 1, Unsynced: os.Getenv(serveUnsynced) != "", CheckpointEvery: 300 * time.Millisecond, PublishEvery: 100 * time.Millisecond}
	fmt.Sscan(os.Getenv(serveReserve), &options.Reserve)
	return options
}

func crashLabel(l int) string { return fmt.Sprintf("event/%d", l) }

// server is a running pixel.
type server struct {
	process *os.Process
	exited  chan struct{}
	address string
}

// serve starts the pixel on a data directory. The extra environment comes as
// KEY=value.
func serve(t *testing.T, dir, keys string, env ...string) *server {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestServeForCrash$", "-test.timeout=30m")
	child.Env = append(append(os.Environ(), serveDir+"="+dir, serveKeys+"="+keys), env...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{process: child.Process, exited: make(chan struct{})}
	lines := bufio.NewScanner(out)
	for s.address == "" && lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			s.address = address
		}
	}
	go func() {
		io.Copy(io.Discard, out)
		child.Wait()
		close(s.exited)
	}()
	t.Cleanup(s.kill)
	if s.address == "" {
		t.Fatal("the pixel did not start")
	}
	return s
}

// kill ends the process as a crash would.
func (s *server) kill() {
	s.process.Kill()
	<-s.exited
}

// visitor is a browser that keeps its cookie, and what the pixel acknowledged
// to it.
type visitor struct {
	cookie string
	acked  map[int]bool // labels
	// seeded is the label of the first hit, which counts when the cookie returns.
	pendingLabel int
}

// answer is one answer of the pixel.
type answer struct {
	status int
	cookie string
}

// hit sends one hit over a kept connection.
func hit(c net.Conn, r *bufio.Reader, label int, cookie string) (answer, error) {
	request := fmt.Sprintf("GET /p.gif?s=shop&l=%s HTTP/1.1\r\nHost: pixel.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n", crashLabel(label))
	if cookie != "" {
		request += "Cookie: sosie=" + cookie + "\r\n"
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return answer{}, err
	}
	var a answer
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadString('\n')
		if err != nil {
			return answer{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		if first {
			fmt.Sscanf(line, "HTTP/1.1 %d", &a.status)
			continue
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch strings.ToLower(name) {
		case "content-length":
			fmt.Sscan(value, &length)
		case "set-cookie":
			pair, _, _ := strings.Cut(value, ";")
			a.cookie = strings.TrimPrefix(pair, "sosie=")
		}
	}
	_, err := r.Discard(length)
	return a, err
}

// ledger is everything the pixel has acknowledged, over all rounds.
type ledger struct {
	mu       sync.Mutex
	visitors []*visitor
	hits     int
	refused  int // answers 503
	late     int // answers that came when the machine had no power any more
	// dark is set as the power is cut: a machine without power answers nothing. A
	// flush that is under way while a file system is shut down may still report
	// success, and its answers leave a millisecond after the cut.
	dark atomic.Bool
}

// load sends hits from many visitors until stop is closed or the pixel is gone.
func (l *ledger) load(address string, stop <-chan struct{}) {
	var wait sync.WaitGroup
	for i := range crashVisitors {
		wait.Go(func() { l.browse(address, i, stop) })
	}
	wait.Wait()
}

func (l *ledger) browse(address string, seed int, stop <-chan struct{}) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for n := 0; ; n++ {
		v := &visitor{acked: map[int]bool{}, pendingLabel: (seed + n) % crashLabels}
		for k := range 20 {
			select {
			case <-stop:
				return
			default:
			}
			label := (seed*31 + n*7 + k) % crashLabels
			if k == 0 {
				label = v.pendingLabel
			}
			a, err := hit(c, r, label, v.cookie)
			if err != nil {
				return
			}
			if a.status != 200 {
				l.mu.Lock()
				l.refused++
				l.mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				break
			}
			if a.cookie != "" {
				v.cookie = a.cookie
			}
			if k > 0 { // the first hit is pending
				l.acknowledge(v, label, k == 1)
			}
		}
	}
}

func (l *ledger) acknowledge(v *visitor, label int, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dark.Load() {
		l.late++
		return
	}
	if first {
		l.visitors = append(l.visitors, v)
		v.acked[v.pendingLabel] = true
	}
	v.acked[label] = true
	l.hits++
}

// check opens the store after a crash. It returns how many acknowledged labels
// are missing and how many ordinals were given to two visitors.
func (l *ledger) check(t *testing.T, dir, keysDir string) (lost, twice int) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: dir, Reserve: 1})
	if err != nil {
		t.Logf("the store does not open: %v", err)
		return l.hits, 0
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	keys, err := identity.OpenKeys(keysDir, s.ID())
	if err != nil {
		t.Fatal(err)
	}
	v := s.View()
	carries := make([][]block.Words, crashLabels)
	for label := range carries {
		carries[label] = make([]block.Words, v.Chunks())
		number, ok := v.Labels().Lookup(crashLabel(label))
		for c := range carries[label] {
			if ok {
				if err := v.OrAny(&carries[label][c], c, number); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	owner := map[storage.Ordinal]bool{}
	for _, visitor := range l.visitors {
		cookie, _, err := keys.OpenUser([]byte(visitor.cookie))
		if err != nil {
			t.Fatalf("cookie %q: %v", visitor.cookie, err)
		}
		if owner[cookie.Ordinal] {
			twice++
		}
		owner[cookie.Ordinal] = true
		for label := range visitor.acked {
			c := cookie.Ordinal.Chunk()
			if c >= v.Chunks() || !carries[label][c].Has(cookie.Ordinal.Low()) {
				lost++
			}
		}
	}
	return lost, twice
}

// crashKeys makes the keys of a store that is to be.
func crashStore(t *testing.T, dir, keysDir string) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.CreateKeys(keysDir, s.ID()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsLostByKill(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	dir, keys := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "keys")
	crashStore(t, dir, keys)
	var l ledger
	for round := range *crashRounds {
		s := serve(t, dir, keys)
		time.AfterFunc(*crashLoad, s.kill)
		l.load(s.address, nil)
		s.kill()
		lost, twice := l.check(t, dir, keys)
		t.Logf("round %d: %d hits of %d users acknowledged so far, %d lost, %d ordinals given out twice", round+1, l.hits, len(l.visitors), lost, twice)
		if lost != 0 || twice != 0 {
			t.Fatal("acknowledged hits were lost, or ordinals given out twice")
		}
	}
	if l.hits == 0 {
		t.Fatal("nothing was acknowledged: the test tested nothing")
	}
}
