package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/store"
)

// handler answers the control socket on behalf of the daemon.
type handler struct{ *daemon }

const day = 24 * time.Hour

func (h handler) Calls(ctx context.Context) ([]guard.LiveCall, error) { return h.engine.Calls(ctx) }

// Bans lists what a crash would not undo: a ban that somebody has seen stays.
func (h handler) Bans(ctx context.Context) ([]guard.Ban, error) {
	bans, err := h.engine.Bans(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = h.settled(ctx) // what fails here is told by status; the list is no less true
	return bans, nil
}

// settled returns once what was done so far is in the kernel and on the disk.
func (h handler) settled(ctx context.Context) error {
	kernel, disk := h.wall.Settle(ctx), h.store.Commit(ctx)
	switch {
	case kernel != nil:
		return &control.Error{Text: "it is noted, but not in force yet: " + errors.Join(kernel, disk).Error(), Hint: "pbxguard status"}
	case disk != nil:
		return &control.Error{Text: "it is done, but a crash may undo it: " + disk.Error(), Hint: "pbxguard status"}
	}
	return nil
}

func (h handler) Decisions(ctx context.Context, q control.Query) ([]guard.Decision, error) {
	return h.store.Decisions(ctx, store.Query{Since: q.Since, AfterID: q.After, Rule: q.Rule, Account: q.Account, Limit: q.Limit})
}

func (h handler) Explain(ctx context.Context, q control.Question) (guard.Answer, error) {
	h.mu.Lock()
	policy := h.policy
	h.mu.Unlock()
	return explain(ctx, h.engine, policy, q)
}

// explain asks an engine. A time without an offset is on the PBX's own clock.
func explain(ctx context.Context, e *guard.Engine, policy *guard.Policy, q control.Question) (a guard.Answer, err error) {
	pbx, err := pbxOf(policy, q.PBX)
	if err != nil {
		return a, err
	}
	at := time.Now()
	if q.At != "" {
		if at, err = parseAt(q.At, policy.PBXs[pbx].Zone); err != nil {
			return a, err
		}
	}
	return e.Explain(ctx, guard.Question{PBX: pbx, Account: q.Account, Number: q.Number, At: at.In(policy.PBXs[pbx].Zone)})
}

// pbxOf returns the name of a PBX that exists; "" is the only one there is.
func pbxOf(policy *guard.Policy, name string) (string, error) {
	if name == "" && len(policy.PBXs) == 1 {
		for name := range policy.PBXs {
			return name, nil
		}
	}
	if name == "" {
		return "", &control.Error{Text: "there are several PBXs", Hint: "say which with --pbx"}
	}
	if policy.PBXs[name] == nil {
		return "", &control.Error{Text: fmt.Sprintf("no PBX is called %q", name), Hint: "pbxguard status"}
	}
	return name, nil
}

// parseAt reads a time as people write it.
func parseAt(s string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &control.Error{Text: fmt.Sprintf("%q is no time", s), Hint: "write it as 2026-12-25T03:00"}
}

func (h handler) Ban(ctx context.Context, o control.BanOrder, by string) error {
	if !o.Prefix.IsValid() || o.For < 0 {
		return &control.Error{Text: "that is no prefix, or no duration"}
	}
	h.log.Info("ban by hand", "prefix", o.Prefix, "for", o.For, "by", by)
	if err := h.engine.Ban(ctx, o.Prefix, o.For, o.Reason, by); err != nil {
		return err
	}
	return h.settled(ctx)
}

func (h handler) Unban(ctx context.Context, p netip.Prefix, by string) error {
	h.log.Info("unban by hand", "prefix", p, "by", by)
	if err := h.engine.Unban(ctx, p, by); err != nil {
		return err
	}
	return h.settled(ctx)
}

func (h handler) Hangup(ctx context.Context, id, by string) error {
	h.log.Info("hangup by hand", "id", id, "by", by)
	return h.engine.Hangup(ctx, id, by)
}

func (h handler) Lock(ctx context.Context, o control.LockOrder, by string) error {
	return h.bar(ctx, o, by, false)
}

func (h handler) Unlock(ctx context.Context, o control.LockOrder, by string) error {
	return h.bar(ctx, o, by, true)
}

func (h handler) bar(ctx context.Context, o control.LockOrder, by string, off bool) error {
	h.mu.Lock()
	policy := h.policy
	h.mu.Unlock()
	pbx, err := pbxOf(policy, o.PBX)
	if err != nil {
		return err
	}
	if o.Name == "" || o.For < 0 {
		return &control.Error{Text: "that is no extension, or no duration"}
	}
	b := guard.Bar{Account: guard.Account{PBX: pbx, Domain: o.Domain, Name: o.Name}, Rule: "by-hand", Reason: o.Reason, By: by, Off: off}
	if o.For > 0 {
		b.Until = time.Now().Add(o.For)
	}
	h.log.Info("lock by hand", "account", b.Account.String(), "off", off, "until", b.Until, "by", by)
	if err := h.engine.Bar(ctx, b); err != nil {
		return err
	}
	return h.settled(ctx)
}

// SetModes changes the modes in force and those of the configuration that a
// later look around builds on.
func (h handler) SetModes(ctx context.Context, m control.Modes, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.engine.SetModes(ctx, m.Calls, m.Bans); err != nil {
		return err
	}
	conf := *h.conf
	if m.Calls != nil {
		conf.Calls.Mode = *m.Calls
	}
	if m.Bans != nil {
		conf.Bans.Mode = *m.Bans
	}
	h.conf = &conf
	h.log.Warn("modes changed", "calls", conf.Calls.Mode, "bans", conf.Bans.Mode, "by", by)
	return nil
}
