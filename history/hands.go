package history

import (
	"net/netip"
	"slices"
	"time"

	"pbxguard/guard"
)

// Hangup implements [guard.PBX]: whatever leg it names, its whole call ends.
func (p *Player) Hangup(leg guard.LegID, _ int) bool {
	l := p.legs[leg]
	if l == nil {
		p.streams.hangup(leg)
	} else if !l.dialog.dying && !l.dialog.dead {
		l.dialog.dying = true
		p.ended = append(p.ended, l.dialog)
	}
	return true
}

// Resync implements [guard.PBX]; a player sheds nothing.
func (p *Player) Resync() bool { return true }

// Redial implements [guard.PBX].
func (p *Player) Redial() bool { return true }

// Ban implements [guard.Firewall].
func (p *Player) Ban(netip.Prefix, time.Duration) bool { p.result.Bans++; return true }

// Unban implements [guard.Firewall].
func (p *Player) Unban(netip.Prefix) bool { return true }

// Record implements [guard.Ledger].
func (p *Player) Record(r guard.Record) bool {
	switch r := r.(type) {
	case guard.Decision:
		p.decided(&r)
	case guard.CallRecord:
		p.result.Outbound++
		if p.opt.Told != nil {
			p.opt.Told(r)
		}
		if t := p.opt.Prices; t != nil && r.Talked > 0 {
			p.result.Cost += t.Rate(r.Number).Cost(r.Talked)
		}
	case guard.Bar:
		if !r.Off {
			p.result.Locks = append(p.result.Locks, r)
		}
	}
	return true
}

func (p *Player) decided(d *guard.Decision) {
	if d.Outcome != "" {
		return
	}
	t := p.result.ByRule[d.Rule]
	if t == nil {
		t = new(Tally)
		p.result.ByRule[d.Rule] = t
	}
	switch {
	case d.Action >= guard.Kill:
		t.Kills++
	case d.Action == guard.Alert:
		t.Alerts++
	default:
		t.Notes++
	}
	if len(p.result.Decisions) < maxDecisions {
		about := -1
		if l := p.legs[d.Leg]; l != nil && len(l.dialog.rows) > 0 {
			about = p.rowOf(l.dialog, d)
		}
		p.result.Decisions, p.result.About = append(p.result.Decisions, *d), append(p.result.About, about)
	}
	if d.Action < guard.Kill || !d.Enforced {
		return
	}
	l := p.legs[d.Leg]
	if l == nil {
		p.streamKilled(d)
	} else if l.dialog.fate == nil && len(l.dialog.rows) > 0 {
		row := p.rowOf(l.dialog, d)
		l.dialog.fate = &Fate{Call: &p.calls[row], Index: row, Decision: *d, At: p.now.Sub(p.calls[row].Start)}
	}
}

// rowOf finds the record that a verdict is about: of several, the one that
// dialled the number.
func (p *Player) rowOf(d *dialog, about *guard.Decision) int {
	i := slices.IndexFunc(d.rows, func(row int) bool {
		c := &p.calls[row]
		return c.Dialled == about.Dialled || c.Sent == about.Dialled
	})
	if i < 0 {
		i = len(d.rows) - 1
	}
	return d.rows[i]
}
