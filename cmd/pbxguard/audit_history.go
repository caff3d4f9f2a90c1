package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pbxguard/audit"
	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/store"
)

// maxHistory bounds the rows that are read of the guard's own history, and
// historyDays how far back forwarded calls are looked for.
const (
	maxHistory  = 500_000
	historyDays = 90
)

// auditHistory reads what the guard saw, from its store. There is none for the
// files of another host, unless it is named.
func (c *cli) auditHistory(ctx context.Context, f *auditFlags, now time.Time) *audit.History {
	path := f.history
	if path == "" {
		if f.root != "" || f.asterisk != "" || f.freeswitch != "" {
			return nil
		}
		conf, err := config.Load(c.config)
		if err != nil {
			return nil
		}
		path = conf.Store.Path
	}
	if _, err := os.Stat(path); err != nil && f.history == "" {
		return nil
	}
	h, err := readHistory(ctx, path, now)
	if err != nil {
		c.note("%v: what is unused is not known", err)
		return nil
	}
	return h
}

func readHistory(ctx context.Context, path string, now time.Time) (h *audit.History, err error) {
	st, err := store.Open(path, store.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	standings, err := st.Standings(ctx, store.Query{Limit: maxHistory})
	if err != nil {
		return nil, err
	}
	calls, err := st.CallRecords(ctx, store.Query{Since: now.AddDate(0, 0, -historyDays), Limit: maxHistory})
	if err != nil {
		return nil, err
	}
	return seenBy(standings, calls), nil
}

// seenBy is what the audit needs of it; nil if nothing was ever seen.
func seenBy(standings []guard.Standing, calls []guard.CallRecord) *audit.History {
	h := &audit.History{Accounts: map[string]audit.Seen{}}
	earliest := func(t time.Time) {
		if h.Since.IsZero() || t.Before(h.Since) {
			h.Since = t
		}
	}
	for _, s := range standings {
		earliest(s.First)
		seen := h.Accounts[s.Account.Name]
		if s.Last.After(seen.Registered) {
			seen.Registered = s.Last
		}
		h.Accounts[s.Account.Name] = seen
	}
	forwards := map[[2]string]time.Time{}
	for _, call := range calls {
		earliest(call.Started)
		seen := h.Accounts[call.Payer.Name]
		if call.Started.After(seen.Called) {
			seen.Called = call.Started
		}
		h.Accounts[call.Payer.Name] = seen
		if key := [2]string{call.Payer.Name, call.Dialled}; call.Via == "forward" && call.Started.After(forwards[key]) {
			forwards[key] = call.Started
		}
	}
	for key, last := range forwards {
		h.Forwards = append(h.Forwards, audit.Forwarded{Account: key[0], Number: key[1], Last: last})
	}
	if h.Since.IsZero() {
		return nil
	}
	return h
}

// readLeavers reads "extension,2026-12-31" a line; nil without a file.
func readLeavers(name string) (map[string]time.Time, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.FieldsPerRecord, rows.Comment, rows.TrimLeadingSpace = -1, '#', true
	left := map[string]time.Time{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return left, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		if len(row) < 2 {
			return nil, fmt.Errorf("%s:%d: want an extension and a last day", name, line)
		}
		day, err := time.Parse(time.DateOnly, strings.TrimSpace(row[1]))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: the last day is %q; want a date as 2026-12-31", name, line, row[1])
		}
		left[strings.TrimSpace(row[0])] = day
	}
}

// readActive reads an extension a line; nil without a file.
func readActive(name string) (map[string]bool, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	active := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			active[line] = true
		}
	}
	return active, nil
}
