package dmp

import (
	"fmt"
	"io"
	"log/slog"
)

// The forms of a log.
const (
	LogText = "text"
	LogJSON = "json"
)

func (c Config) checkLog() error {
	switch c.Log {
	case "", LogText, LogJSON:
	default:
		return fmt.Errorf("log %q: want %s or %s", c.Log, LogText, LogJSON)
	}
	_, err := c.level()
	return err
}

func (c Config) level() (slog.Level, error) {
	switch c.LogLevel {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log_level %q: want debug, info, warn or error", c.LogLevel)
}

// Logger returns the log that the configuration asks for. A level or a form that
// Check refuses is taken for the default.
func (c Config) Logger(w io.Writer) *slog.Logger {
	level, _ := c.level()
	options := &slog.HandlerOptions{Level: level}
	if c.Log == LogJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// LogTo makes Serve write down what an operator should know: no address, agent,
// URL, referrer, cookie or name of a user. Without it nothing is written down.
// Call it before Serve.
func (d *DMP) LogTo(log *slog.Logger) { d.log = log }
