package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLogForTheJournal(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1")
	var b bytes.Buffer
	level := new(slog.LevelVar)
	log := newLog(&b, level)
	log.Debug("not shown")
	log.Info("call killed", "to", "+25261\n<0>forged", "name", "\x1b[2J\u202e")
	log.With("pbx", "clinic").Warn("slow")
	log.Error("cannot ban", "error", errors.New("full"))
	level.Set(slog.LevelDebug)
	log.Debug("shown", "level", "x")
	want := `<6>msg="call killed" to="+25261\n<0>forged" name="\x1b[2J\u202e"
<4>msg=slow pbx=clinic
<3>msg="cannot ban" error=full
<7>msg=shown level=x
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestLogOffTheJournal(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	var b bytes.Buffer
	newLog(&b, slog.LevelInfo).Info("hello")
	if got := b.String(); !strings.HasPrefix(got, "time=") || !strings.HasSuffix(got, "level=INFO msg=hello\n") {
		t.Errorf("got %q", got)
	}
}
