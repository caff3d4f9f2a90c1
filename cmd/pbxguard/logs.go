package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
)

// newLog returns the daemon's log. Under systemd the journal knows the time
// and is told the level in its own way (sd-daemon(3)).
func newLog(w io.Writer, level slog.Leveler) *slog.Logger {
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	}
	timeless := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(journal{w}, &slog.HandlerOptions{Level: level, ReplaceAttr: timeless}))
}

// journal replaces the level at the start of each line by the journal's own
// mark for it. A slog handler writes a whole line at a time.
type journal struct{ io.Writer }

var marks = []struct{ level, mark string }{
	{"level=ERROR ", "<3>"}, {"level=WARN ", "<4>"}, {"level=INFO ", "<6>"}, {"level=DEBUG ", "<7>"},
}

func (j journal) Write(line []byte) (int, error) {
	for _, m := range marks {
		if rest, ok := bytes.CutPrefix(line, []byte(m.level)); ok {
			if _, err := j.Writer.Write(append([]byte(m.mark), rest...)); err != nil {
				return 0, err
			}
			return len(line), nil
		}
	}
	return j.Writer.Write(line)
}
