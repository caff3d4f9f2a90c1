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
	h := &audit.History{Accounts: map[string]audit.Seen{}, Trunks: map[string]time.Time{}}
	earliest := func(t time.Time) {
		if h.Since.IsZero() || t.Before(h.Since) {
			h.Since = t
		}
	}
	places := map[guard.Account]int{}
	for _, s := range standings {
		places[s.Account]++
	}
	for _, s := range standings {
		earliest(s.First)
		seen := audit.Seen{Registered: s.Last}
		if places[s.Account] > 1 { // the first place of all is no move
			seen.Moved = s.First
		}
		merge(h, s.Account, seen)
	}
	forwards := map[audit.Forwarded]time.Time{}
	for _, call := range calls {
		earliest(call.Started)
		merge(h, call.Payer, audit.Seen{Called: call.Started})
		for _, key := range []string{call.Trunk.Name, audit.Key(call.Trunk.Name, call.Trunk.Domain)} {
			if call.Started.After(h.Trunks[key]) {
				h.Trunks[key] = call.Started
			}
		}
		key := audit.Forwarded{Account: call.Payer.Name, Domain: call.Payer.Domain, Number: call.Dialled}
		if call.Via == "forward" && call.Started.After(forwards[key]) {
			forwards[key] = call.Started
		}
	}
	for f, last := range forwards {
		f.Last = last
		h.Forwards = append(h.Forwards, f)
	}
	if h.Since.IsZero() {
		return nil
	}
	return h
}

// merge adds what was seen of an account under its name with its domain, which
// tells tenants apart, and under its name alone for a PBX that has but one.
func merge(h *audit.History, a guard.Account, seen audit.Seen) {
	h.Merge(audit.Key(a.Name, a.Domain), seen)
	if a.Domain != "" {
		h.Merge(a.Name, seen)
	}
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
