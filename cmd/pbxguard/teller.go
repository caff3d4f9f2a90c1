package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"pbxguard/guard"
	"pbxguard/report"
)

// teller is the ledger that the engine writes to: it passes every record on to
// the store and verdicts to the log. A journal that stands still holds nobody
// up; what it then does not hear is counted.
type teller struct {
	guard.Ledger
	people  func(guard.Decision) // who are told; it returns at once
	log     *slog.Logger
	heard   chan guard.Decision
	unheard atomic.Uint64
}

func newTeller(store guard.Ledger, log *slog.Logger) *teller {
	return &teller{Ledger: store, people: func(guard.Decision) {}, log: log, heard: make(chan guard.Decision, 1024)}
}

// Record implements [guard.Ledger].
func (t *teller) Record(r guard.Record) bool {
	if d, ok := r.(guard.Decision); ok {
		t.people(d)
		select {
		case t.heard <- d:
		default:
			t.unheard.Add(1)
		}
	}
	return t.Ledger.Record(r)
}

// run logs verdicts until ctx is done, and then those that wait.
func (t *teller) run(ctx context.Context) error {
	for {
		select {
		case d := <-t.heard:
			t.tell(d)
			continue
		default:
		}
		select {
		case d := <-t.heard:
			t.tell(d)
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *teller) tell(d guard.Decision) {
	if n := t.unheard.Swap(0); n > 0 {
		t.log.Warn("the log is slow; verdicts are missing in it, see pbxguard log", "missing", n)
	}
	message, level := report.Word(d), slog.LevelInfo
	switch {
	case d.Outcome == "unconfirmed":
		message, level = "kill unconfirmed", slog.LevelError
	case d.Outcome == "denied":
		message, level = "denied before it left", slog.LevelDebug
	case d.Outcome != "":
		message, level = "kill "+d.Outcome, slog.LevelDebug
	case d.Action == guard.Alert:
		level = slog.LevelWarn
	case d.Action < guard.Alert:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("rule", d.Rule)}
	for _, a := range []struct{ key, value string }{
		{"account", accountName(d)}, {"call", string(d.Call)}, {"number", d.Number}, {"by", d.By},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if d.Source.IsValid() {
		attrs = append(attrs, slog.String("source", d.Source.String()))
	}
	if d.After > 0 {
		attrs = append(attrs, slog.Duration("after", d.After))
	}
	attrs = append(attrs, slog.String("reason", d.Reason))
	t.log.LogAttrs(context.Background(), level, message, attrs...)
}

func accountName(d guard.Decision) string {
	if d.Account.Name == "" {
		return d.PBX
	}
	return d.Account.String()
}
