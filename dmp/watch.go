package dmp

import (
	"context"
	"log/slog"
	"time"

	"sosie/storage"
)

// watchEvery is how often a served house is looked at for what belongs in the
// log. A look reads memory and asks the device for its free room.
const watchEvery = 5 * time.Second

// watch writes down what changes in a house that serves.
type watch struct {
	d       *DMP
	log     *slog.Logger
	warned  map[storage.Topic]string
	day     storage.Day
	evicted storage.Day
}

// watchStore looks until ctx is done.
func (d *DMP) watchStore(ctx context.Context) {
	w := &watch{d: d, log: d.log, warned: map[storage.Topic]string{}, day: d.store.View().Stamp().Day, evicted: d.store.Memory().EvictedBefore}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *watch) look() {
	w.warnings(w.d.store.Warnings())
	if day := w.d.store.View().Stamp().Day; day != w.day {
		w.day = day
		w.log.Info("a day began", "day", day.String())
	}
	if m := w.d.store.Memory(); m.EvictedBefore != w.evicted {
		w.evicted = m.EvictedBefore
		w.log.Info("days were let go from memory; questions about them read the disk", "before", m.EvictedBefore.String(), "resident_bytes", m.Resident, "budget_bytes", m.Budget)
	}
	if w.d.places == nil {
		return
	}
	switch changed, err := w.d.places.Refresh(); {
	case err != nil:
		w.log.Warn("the file of places cannot be used; the places known before stay", "error", err.Error())
	case changed:
		w.log.Info("the file of places was read anew", "file", w.d.config.Places)
	}
}

// warnings writes each warning down when it begins and when it ends.
func (w *watch) warnings(now []storage.Warning) {
	still := make(map[storage.Topic]string, len(now))
	for _, warning := range now {
		still[warning.Topic] = warning.Text
		if _, known := w.warned[warning.Topic]; !known {
			w.log.Log(context.Background(), severity(warning.Topic), warning.Text, "about", string(warning.Topic))
		}
	}
	for topic, text := range w.warned {
		if _, lasts := still[topic]; !lasts {
			w.log.Info("no longer: "+text, "about", string(topic))
		}
	}
	w.warned = still
}

// severity tells what stops the house from what needs a look.
func severity(about storage.Topic) slog.Level {
	switch about {
	case storage.AboutLog, storage.AboutFold, storage.AboutRoom, storage.AboutDamage:
		return slog.LevelError
	}
	return slog.LevelWarn
}
