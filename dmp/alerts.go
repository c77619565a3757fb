package dmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/dmp/alert"
	"sosie/dmp/quality"
	"sosie/storage"
)

const (
	// leastAlertsEvery and mostAlertsEvery bound Alerts.Every.
	leastAlertsEvery, mostAlertsEvery = 10 * time.Second, 24 * time.Hour
	// labelsEvery is the least time between two counts of all labels: that is work
	// for all cores, milliseconds for each million users.
	labelsEvery = 5 * time.Minute
	// rhythmEvery is how often what was learned of labels is saved.
	rhythmEvery = time.Hour
	// nearReserve is how many times its reserve a disk must have free.
	nearReserve = 2
	// certificateDays is how long before its end a certificate is told of.
	certificateDays = 14
)

func (a Alerts) check() error {
	if a.Every != 0 && (a.Every < leastAlertsEvery || a.Every > mostAlertsEvery) {
		return fmt.Errorf("alerts.every is %s: want %s to %s", a.Every, leastAlertsEvery, mostAlertsEvery)
	}
	_, err := a.hook()
	return err
}

// hook is the webhook, or nil where none is configured.
func (a Alerts) hook() (*alert.Webhook, error) {
	if a.Webhook == "" {
		return nil, nil
	}
	hook, err := alert.NewWebhook(a.Webhook)
	if err != nil {
		return nil, fmt.Errorf("alerts.webhook: %w", err)
	}
	return hook, nil
}

// openBell makes ready what alerts are found and told with.
func (d *DMP) openBell() (err error) {
	if d.rhythm, err = quality.OpenRhythm(d.store.Documents()); err != nil {
		return &Error{Op: "open", Object: "labels", Err: err, Hint: hintOf(err)}
	}
	hook, err := d.config.Alerts.hook()
	if err != nil {
		return &Error{Op: "open", Object: "alerts", Err: err}
	}
	d.bell = alert.NewBell(d.store.ID(), hook)
	return nil
}

// TestAlert tells the webhook of a configuration that nothing is wrong, once and
// without patience.
func TestAlert(ctx context.Context, c Config) error {
	hook, err := c.Alerts.hook()
	if err == nil && hook == nil {
		err = errors.New("none is configured")
	}
	if err != nil {
		return &Error{Op: "test", Object: "webhook", Err: err, Hint: "Set alerts.webhook in the configuration file, and name the file with --config."}
	}
	if err := hook.Post(ctx, alert.TestMessage("", time.Now().UTC())); err != nil {
		hint := "The webhook must take a JSON body by POST and answer 2xx within ten seconds."
		if untrusted := (*tls.CertificateVerificationError)(nil); errors.As(err, &untrusted) {
			hint = "This machine does not know the authority of the webhook's certificate: install it, or name its file in SSL_CERT_FILE."
		}
		return &Error{Op: "test", Object: "webhook " + hook.String(), Err: errors.Unwrap(err), Hint: hint}
	}
	return nil
}

// alarm finds what is wrong in a house that serves.
type alarm struct {
	d     *DMP
	clock func() time.Time

	// labels are as of a view, which is not counted again while it is the newest.
	labels  []audience.LabelDays
	of      storage.Stamp
	counted time.Time
	saved   time.Time
}

// ringAlerts looks, and tells, until ctx is done; then it keeps what it learned.
func (d *DMP) ringAlerts(ctx context.Context) {
	a := &alarm{d: d, clock: time.Now, saved: time.Now()}
	tick := time.NewTicker(d.config.Alerts.Every)
	defer tick.Stop()
	for {
		a.ring(ctx)
		select {
		case <-ctx.Done():
			a.learn()
			return
		case <-tick.C:
		}
	}
}

func (a *alarm) ring(ctx context.Context) {
	now := a.clock().UTC()
	changes, err := a.d.bell.Ring(ctx, a.find(ctx, now), now)
	for _, c := range changes {
		a.d.log.Warn(c.Text, "alert", c.Status, "kind", string(c.Kind), "object", c.Object)
	}
	if err != nil && ctx.Err() == nil {
		a.d.log.Warn("alerts were not delivered; it is tried again", "error", err.Error())
	}
	if now.Sub(a.saved) >= rhythmEvery {
		a.learn()
		a.saved = now
	}
}

// learn keeps the labels' rhythm for the next process.
func (a *alarm) learn() {
	if err := a.d.rhythm.Save(a.d.store.Documents()); err != nil {
		a.d.log.Warn("the rhythm of labels was not saved", "error", err.Error())
	}
}

// find returns all that is wrong.
func (a *alarm) find(ctx context.Context, now time.Time) []alert.Alert {
	found := a.disk()
	for _, w := range a.d.store.Warnings() {
		if w.Topic != storage.AboutRoom { // that is the disk
			found = append(found, alert.Alert{Kind: alert.Store, Object: string(w.Topic), Text: w.Text})
		}
	}
	found = append(found, a.certificate(now)...)
	return append(found, a.silent(ctx, now)...)
}

func (a *alarm) disk() []alert.Alert {
	free, reserve, err := a.d.store.Room()
	switch {
	case err != nil:
		return []alert.Alert{{Kind: alert.Disk, Object: a.d.config.Data, Text: "the free room cannot be told: " + err.Error()}}
	case free < reserve:
		return []alert.Alert{{Kind: alert.Disk, Object: a.d.config.Data, Text: fmt.Sprintf("%s free, less than the reserve of %s: hits are answered 503", size(free), size(reserve))}}
	case free < nearReserve*reserve:
		return []alert.Alert{{Kind: alert.Disk, Object: a.d.config.Data, Text: fmt.Sprintf("%s free, close to the reserve of %s, below which hits are answered 503", size(free), size(reserve))}}
	}
	return nil
}

func (a *alarm) certificate(now time.Time) []alert.Alert {
	tls := a.d.config.TLS
	pair, err := tls.certificate()
	switch {
	case err != nil:
		return []alert.Alert{{Kind: alert.Certificate, Object: tls.Cert, Text: errors.Unwrap(err).Error()}}
	case pair == nil || now.AddDate(0, 0, certificateDays).Before(pair.Leaf.NotAfter):
		return nil
	}
	return []alert.Alert{{Kind: alert.Certificate, Object: tls.Cert, Text: "the certificate ends on " + pair.Leaf.NotAfter.UTC().Format(time.RFC3339)}}
}

// silent returns the labels that are missed, from a count that may be a few
// minutes old.
func (a *alarm) silent(ctx context.Context, now time.Time) (found []alert.Alert) {
	a.count(ctx, now)
	now = a.within(now)
	for _, l := range a.labels {
		judged := quality.Judge(l, storage.LabelSpec{}, a.d.rhythm, now)
		if judged.SilentDays == 0 {
			continue
		}
		text := "nobody has got it today, and it is later than usual"
		if judged.SilentDays > 1 {
			text = fmt.Sprintf("nobody has got it since %s", l.Last)
		}
		found = append(found, alert.Alert{Kind: alert.Label, Object: l.Label, Text: text})
	}
	return found
}

func (a *alarm) count(ctx context.Context, now time.Time) {
	view := a.d.store.View()
	stamp := view.Stamp()
	if stamp.Day == a.of.Day && (stamp.Seq == a.of.Seq || now.Sub(a.counted).Abs() < labelsEvery) {
		return
	}
	daily, err := audience.CountDaily(ctx, view, audience.DailyWindow, permit.Count)
	if err != nil { // a damaged or stale day, of which the store itself warns
		return
	}
	a.labels, a.of, a.counted = daily.Labels, stamp, now
	a.d.rhythm.Look(a.within(now), daily.Labels)
}

// within is now, or the end of the day that was counted: the view begins a new
// one some time after midnight.
func (a *alarm) within(now time.Time) time.Time {
	if end := a.of.Day.Time().AddDate(0, 0, 1).Add(-time.Nanosecond); now.After(end) {
		return end
	}
	return now
}
