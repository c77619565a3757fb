// Package browser has no code: its tests put the tag and the pixel before a real
// browser, Chromium, on pages of several hosts that all are this machine.
//
// The invariant: nothing here talks to another machine. The gotcha: where there is
// no Chromium the tests are skipped; on Debian apt-get install chromium brings it.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// agent is an ordinary browser's: a headless one says that it is a robot.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"

// patience is how long anything in a browser may take on a busy machine.
const patience = 60 * time.Second

// cookieControls is what a browser does with the cookies of third parties, as its
// preferences say it.
type cookieControls int

const (
	allowed cookieControls = 0
	refused cookieControls = 1
)

// chrome starts a browser with an empty profile, for which every host name is this
// machine and the certificate of the test authority is good.
func chrome(t *testing.T, pin string, thirdParties cookieControls) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: on Debian, apt-get install chromium")
	}
	profile := filepath.Join(t.TempDir(), "Default")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	preferences := fmt.Sprintf(`{"profile": {"cookie_controls_mode": %d}}`, thirdParties)
	if err := os.WriteFile(filepath.Join(profile, "Preferences"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Dir(profile)),
		chromedp.UserAgent(agent),
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", pin),
		chromedp.WSURLReadTimeout(patience),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		// Cancel waits until the browser has ended and its profile is gone.
		if err := chromedp.Cancel(browser); err != nil {
			t.Errorf("end browser: %v", err)
		}
		end()
		stop()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	return browser
}
