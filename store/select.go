package store

import (
	"database/sql"
	"net/netip"
	"time"

	"pbxguard/guard"
)

// The joins are CROSS JOINs, which to SQLite means: in this order.
const (
	accountIs = `@account IN ('', a.name, a.pbx || '/' || iif(a.domain = '', '', a.domain || '/') || a.name)`

	decisionColumns = `d.id, d.at, rule.text, d.reason, d.action, d.enforced, pbx.text, a.pbx, a.domain, a.name,
		d.call, d.leg, d.channel, d.dialled, d.number, country.text, class.text, d.source, by.text, outcome.text, d.after`
	// LEFT, so that a row whose words are gone is noticed and not passed over.
	decisionTables = ` FROM decisions d
		LEFT JOIN texts rule ON rule.id = d.rule LEFT JOIN texts pbx ON pbx.id = d.pbx
		LEFT JOIN accounts a ON a.id = d.account LEFT JOIN texts country ON country.id = d.country
		LEFT JOIN texts class ON class.id = d.class LEFT JOIN texts by ON by.id = d.by
		LEFT JOIN texts outcome ON outcome.id = d.outcome`

	// The first row of an id is the decision, and its last tells the outcome.
	decisionsWanted = `SELECT o.text, l.after, ` + decisionColumns + decisionTables + `
		CROSS JOIN decisions l ON l.seq = (SELECT max(seq) FROM decisions WHERE id = d.id)
		CROSS JOIN texts o ON o.id = l.outcome
		WHERE d.seq = (SELECT min(seq) FROM decisions WHERE id = d.id)
			AND d.at >= @since AND d.at < @until AND @rule IN ('', rule.text) AND ` + accountIs + `
			AND @source IN (x'', d.source)`
	newestDecisions = decisionsWanted + ` ORDER BY d.at DESC, d.seq DESC LIMIT @limit`
	nextDecisions   = decisionsWanted + ` AND d.id > @after ORDER BY d.id LIMIT @limit`

	newestCalls = `SELECT c.call, pbx.text, a.pbx, a.domain, a.name, t.pbx, t.domain, t.name, c.started,
			c.ended - c.started, c.talked, c.dialled, c.sent, c.number, country.text, class.text, via.text, c.cause,
			c.source, c.killed, c.cost
		FROM calls c
		CROSS JOIN texts pbx ON pbx.id = c.pbx CROSS JOIN accounts a ON a.id = c.payer
		CROSS JOIN accounts t ON t.id = c.trunk CROSS JOIN texts country ON country.id = c.country
		CROSS JOIN texts class ON class.id = c.class CROSS JOIN texts via ON via.id = c.via
		WHERE c.ended >= @since AND c.ended < @until AND ` + accountIs + ` AND @source IN (x'', c.source)
		ORDER BY c.ended DESC, c.id DESC LIMIT @limit`

	newestAuths = `SELECT f.at, pbx.text, f.source, f.port, f.account, service.text, what.text, f.proof, f.count, f.span
		FROM auths f
		CROSS JOIN texts pbx ON pbx.id = f.pbx CROSS JOIN texts service ON service.id = f.service
		CROSS JOIN texts what ON what.id = f.what
		WHERE f.at >= @since AND f.at < @until AND @account IN ('', f.account, pbx.text || '/' || f.account)
			AND @source IN (x'', f.source)
		ORDER BY f.at DESC, f.id DESC LIMIT @limit`

	newestStandings = `SELECT a.pbx, a.domain, a.name, s.source, s.first, s.last, s.registered, s.agent
		FROM standings s CROSS JOIN accounts a ON a.id = s.account
		WHERE s.last >= @since AND s.last < @until AND ` + accountIs + ` AND @source IN (x'', s.source)
		ORDER BY s.last DESC LIMIT @limit`

	newestBans = `SELECT b.prefix, b.since, b.until, rule.text, b.reason, b.times, b.proof, by.text, b.enforced,
			b.lifted, coalesce(lifter.text, '')
		FROM bans b CROSS JOIN texts rule ON rule.id = b.rule CROSS JOIN texts by ON by.id = b.by
		LEFT JOIN texts lifter ON lifter.id = b.lifted_by
		WHERE b.since >= @since AND b.since < @until AND @rule IN ('', rule.text)
			AND (@source = x'' OR b.prefix IN (SELECT unhex(value) FROM json_each(@around)))
		ORDER BY b.since DESC LIMIT @limit`

	newestGaps = `SELECT pbx.text, g.since, g.until, g.reason
		FROM gaps g CROSS JOIN texts pbx ON pbx.id = g.pbx
		WHERE g.since >= @since AND g.since < @until ORDER BY g.since DESC LIMIT @limit`
)

// scanDecision reads the columns that extra are for and then decisionColumns.
func scanDecision(rows *sql.Rows, d *guard.Decision, extra ...any) error {
	return rows.Scan(append(extra, &d.ID, toTime(&d.At), &d.Rule, &d.Reason, &d.Action, &d.Enforced, &d.PBX,
		&d.Account.PBX, &d.Account.Domain, &d.Account.Name, &d.Call, &d.Leg, &d.Channel, &d.Dialled, &d.Number,
		&d.Country, &d.Class, toBinary(&d.Source), &d.By, &d.Outcome, &d.After)...)
}

// scanDecided reads a decision together with its latest outcome.
func scanDecided(rows *sql.Rows, d *guard.Decision) error {
	last := *d
	err := scanDecision(rows, d, &last.Outcome, &last.After)
	d.Outcome, d.After = last.Outcome, last.After
	return err
}

func scanCall(rows *sql.Rows, c *guard.CallRecord) error {
	return rows.Scan(&c.Call, &c.PBX, &c.Payer.PBX, &c.Payer.Domain, &c.Payer.Name,
		&c.Trunk.PBX, &c.Trunk.Domain, &c.Trunk.Name, toTime(&c.Started), &c.Duration, &c.Talked, &c.Dialled, &c.Sent,
		&c.Number, &c.Country, &c.Class, &c.Via, &c.Cause, toBinary(&c.Source), &c.Killed, &c.Cost)
}

func scanAuth(rows *sql.Rows, a *Auth) error {
	var source netip.Addr
	var port uint16
	var span time.Duration
	err := rows.Scan(toTime(&a.At), &a.PBX, toBinary(&source), &port, &a.Account, &a.Service, &a.What, &a.Proof,
		&a.Count, &span)
	a.Source, a.Last = netip.AddrPortFrom(source, port), a.At.Add(span)
	return err
}

func scanStanding(rows *sql.Rows, st *guard.Standing) error {
	return rows.Scan(&st.Account.PBX, &st.Account.Domain, &st.Account.Name, toBinary(&st.Source),
		toTime(&st.First), toTime(&st.Last), &st.Registered, &st.Agent)
}

func scanBan(rows *sql.Rows, b *Ban) error {
	return rows.Scan(toBinary(&b.Prefix), toTime(&b.Since), toTime(&b.Until), &b.Rule, &b.Reason, &b.Times, &b.Proof,
		&b.By, &b.Enforced, toTime(&b.Lifted), &b.LiftedBy)
}

func scanGap(rows *sql.Rows, g *guard.Gap) error {
	return rows.Scan(&g.PBX, toTime(&g.From), toTime(&g.To), &g.Reason)
}
