package store

import (
	"encoding/json"
	"math"
	"net/netip"
	"strconv"
	"time"

	"pbxguard/guard"
)

// The statements of all records. Whatever is written twice, because a commit
// failed after it had in fact happened, is the same row; but for a decision,
// which the chain then has twice.
const (
	insertBan = `INSERT INTO bans (prefix, since, until, rule, reason, times, proof, by, enforced)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET until = excluded.until, rule = excluded.rule, reason = excluded.reason,
			times = excluded.times, proof = excluded.proof, by = excluded.by, enforced = excluded.enforced,
			lifted = 0, lifted_by = NULL`
	liftBans = `UPDATE bans SET lifted = ?1, lifted_by = ?2
		WHERE prefix = ?3 AND lifted = 0 AND (until = 0 OR until > ?1)`
	insertBar = `INSERT OR REPLACE INTO bars (account, at, until, rule, reason, by, scope, off) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	setMeta   = `INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)`
	insertGap = `INSERT OR REPLACE INTO gaps (pbx, since, until, reason) VALUES (?, ?, ?, ?)`

	insertStanding = `INSERT INTO standings (account, source, first, last, registered, agent) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
			registered = excluded.registered, agent = iif(excluded.agent = '', agent, excluded.agent)`
	insertCall = `INSERT INTO calls (call, pbx, payer, trunk, started, ended, talked, dialled, sent, number,
			country, class, via, cause, source, killed, cost)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertHour = `INSERT OR REPLACE INTO hours (account, hour, calls, numbers, peak, abroad, talked) VALUES (?, ?, ?, ?, ?, ?, ?)`
	insertSeen = `INSERT OR REPLACE INTO seen (account, what, key, first, last, days) VALUES (?, ?, ?, ?, ?, ?)`
	insertAct  = `INSERT OR REPLACE INTO acts (id, kind, at, off, body) VALUES (?, ?, ?, ?, ?)`
	insertAuth = `INSERT INTO auths (at, pbx, service, what, proof, source, port, account, count, span)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// watched names the row of meta that says how long PBXs have been watched.
const watched = "watched"

// put writes one record.
func (t *transaction) put(r guard.Record) {
	switch r := r.(type) {
	case guard.Ban:
		t.exec(insertBan, prefixBytes(r.Prefix), nanos(r.Since), nanos(r.Until), t.text(r.Rule), clip(r.Reason),
			r.Times, int64(r.Proof), t.text(r.By), r.Enforced)
	case guard.Lift:
		t.exec(liftBans, nanos(r.At), t.text(r.By), prefixBytes(r.Prefix))
	case guard.Bar:
		t.exec(insertBar, t.account(r.Account), nanos(r.At), nanos(r.Until), t.text(r.Rule), clip(r.Reason),
			t.text(r.By), string(r.Scope), r.Off)
	case guard.Gap:
		t.exec(insertGap, t.text(r.PBX), nanos(r.From), nanos(r.To), clip(r.Reason))
	case guard.Watched:
		t.exec(setMeta, watched, int64(r.Total))
	case guard.Decision:
		t.decision(r)
	case guard.Standing:
		t.exec(insertStanding, t.account(r.Account), addrBytes(r.Source), nanos(r.First), nanos(r.Last), r.Registered,
			clip(r.Agent))
	case guard.CallRecord:
		t.exec(insertCall, clip(string(r.Call)), t.text(r.PBX), t.account(r.Payer), t.account(r.Trunk),
			nanos(r.Started), nanos(r.Started.Add(r.Duration)), int64(r.Talked), clip(r.Dialled), clip(r.Sent), clip(r.Number),
			t.text(r.Country), t.text(r.Class), t.text(r.Via), r.Cause, addrBytes(r.Source), r.Killed, int64(r.Cost))
	case guard.Hour:
		t.exec(insertHour, t.account(r.Account), r.At.Unix(), r.Calls, r.Numbers, r.Peak, r.Abroad, int64(r.Talked))
	case guard.Seen:
		t.exec(insertSeen, t.account(r.Account), t.text(r.What), clip(r.Key), nanos(r.First), nanos(r.Last), r.Days)
	case guard.Exception:
		t.act(exceptionAct, r.ID, r.At, r.Off, r)
	case guard.ForwardOff:
		t.act(forwardAct, r.ID, r.At, r.Off, r)
	case *failures:
		t.exec(insertAuth, nanos(r.At), t.text(r.PBX), t.text(r.Service), t.text(r.What), int64(r.Proof),
			addrBytes(r.Source.Addr()), int64(r.Source.Port()), clip(r.Account), r.count, int64(r.span()))
	default:
		t.err = errForeign
	}
}

// Kinds of acts.
const (
	exceptionAct = "exception"
	forwardAct   = "forward-off"
)

// act writes something that can be undone.
func (t *transaction) act(kind string, id uint64, at time.Time, off bool, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		t.err = err
		return
	}
	t.exec(insertAct, kind+" "+strconv.FormatUint(id, 10), t.text(kind), nanos(at), off, string(text))
}

// latest is the last time that can be stored, in the year 2262.
var latest = time.Unix(0, math.MaxInt64)

// nanos is how a time is stored; the zero time is 0.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// addrBytes is how an address is stored; no address is an empty value.
func addrBytes(a netip.Addr) []byte {
	b, _ := a.MarshalBinary() // never fails
	return b
}

func prefixBytes(p netip.Prefix) []byte {
	b, _ := p.MarshalBinary() // never fails
	return b
}
