package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"pbxguard/guard"
)

const (
	// remembered is how long a ban that has ended makes the next one longer,
	// and how long somebody who once registered is known.
	remembered = 30 * 24 * time.Hour
	// used is how far back talk time counts: a day, of which the longest has 25
	// hours.
	used = 25 * time.Hour
	// spent is longer than a month, habits eight weeks and the hour that follows,
	// and seen as long as something is remembered that was seen once.
	spent  = 32 * 24 * time.Hour
	habits = 57 * 24 * time.Hour
	seen   = 90 * 24 * time.Hour
)

const (
	countBans = `SELECT count(DISTINCT prefix)` + fromBans
	pastBans  = `SELECT prefix, since, until, rule, reason, times, proof, by, enforced, lifted` + fromBans + ` ORDER BY prefix, since`
	fromBans  = ` FROM bans WHERE until = 0 AND lifted = 0 OR iif(lifted = 0, until, lifted) > @since`

	pastBars = `SELECT a.pbx, a.domain, a.name, b.at, b.until, rule.text, b.reason, by.text, b.scope
		FROM bars b CROSS JOIN accounts a ON a.id = b.account
		CROSS JOIN texts rule ON rule.id = b.rule CROSS JOIN texts by ON by.id = b.by
		WHERE NOT b.off AND (b.until = 0 OR b.until > @since) ORDER BY b.at`
	pastStandings = `SELECT a.pbx, a.domain, a.name, s.source, s.first, s.last, s.registered, s.agent
		FROM standings s CROSS JOIN accounts a ON a.id = s.account WHERE s.last > @since ORDER BY s.last`
	pastUsage = `SELECT a.pbx, a.domain, a.name, c.ended, c.talked, c.cost
		FROM calls c CROSS JOIN accounts a ON a.id = c.payer
		WHERE c.ended > @since AND c.talked > 0 ORDER BY c.ended`
	pastSpent = `SELECT a.pbx, a.domain, a.name, max(c.ended), sum(c.cost)
		FROM calls c CROSS JOIN accounts a ON a.id = c.payer
		WHERE c.ended > @since AND c.cost > 0 GROUP BY c.payer, c.ended / 86400000000000 ORDER BY max(c.ended)`
	pastHours = `SELECT a.pbx, a.domain, a.name, h.hour, h.calls, h.numbers, h.peak, h.abroad, h.talked
		FROM hours h CROSS JOIN accounts a ON a.id = h.account
		WHERE h.hour > @since / 1000000000 ORDER BY h.hour`
	pastSeen = `SELECT a.pbx, a.domain, a.name, what.text, s.key, s.first, s.last, s.days
		FROM seen s CROSS JOIN accounts a ON a.id = s.account CROSS JOIN texts what ON what.id = s.what
		WHERE s.last > @since ORDER BY s.last`
	pastActs = `SELECT kind.text, a.body FROM acts a CROSS JOIN texts kind ON kind.id = a.kind WHERE NOT a.off ORDER BY a.at`
	nextID   = `SELECT max(id, (SELECT coalesce(max(id), 0) FROM decisions)) + 1 FROM anchor`
	pastMeta = `SELECT coalesce((SELECT value FROM meta WHERE name = ?), 0)`
	allTexts = `SELECT id, text FROM texts`
)

// Memory returns what an engine must know of the time before now: bars in
// force, bans in force, the latest ban of each prefix and kind that ended in the
// last 30 days, who was seen in the last 30 days, and what talked in the last 25
// hours. A lift has taken back all bans of its prefix. A file that turns out to be
// damaged before [Store.Run] is called is set aside, as by [Open]. If the file
// cannot be read the memory that comes with the error still has a NextID that no
// decision in the file has.
func (s *Store) Memory(now time.Time) (guard.Memory, error) {
	m, err := s.memory(now)
	if broken(err) && !s.o.ReadOnly && !s.running.Load() {
		if err = s.renew(err); err == nil {
			m, err = s.memory(now)
		}
	}
	if err != nil {
		// Ids rise by one for each decision, so that a ledger of them never
		// gets as far as the clock's milliseconds.
		return guard.Memory{NextID: uint64(max(1, now.UnixMilli()))}, fmt.Errorf("cannot read what the store remembers: %w", err)
	}
	return m, nil
}

// renew sets the file aside, which nobody else uses yet, and opens a new one.
func (s *Store) renew(cause error) error {
	if db := s.db.Swap(nil); db != nil {
		if err := db.close(); err != nil && !broken(err) {
			return errors.Join(err, cause)
		}
	}
	if err := s.setAside(cause, time.Now()); err != nil {
		return err
	}
	return s.begin()
}

func (s *Store) memory(now time.Time) (m guard.Memory, err error) {
	err = s.read(func(db *sql.DB) error {
		tx, err := db.BeginTx(context.Background(), nil) // one moment for all
		if err != nil {
			return err
		}
		defer tx.Rollback()
		r := recall{tx: tx, now: now, since: now.Add(-remembered)}
		m = r.memory()
		return r.err
	})
	return m, err
}

// recall reads a memory. After the first error it reads nothing.
type recall struct {
	tx         *sql.Tx
	now, since time.Time
	err        error
}

func (r *recall) memory() (m guard.Memory) {
	m.Bans = r.bans()
	r.each(pastBars, r.now, func(rows *sql.Rows) error {
		var b guard.Bar
		err := rows.Scan(&b.Account.PBX, &b.Account.Domain, &b.Account.Name, toTime(&b.At), toTime(&b.Until),
			&b.Rule, &b.Reason, &b.By, &b.Scope)
		m.Bars = append(m.Bars, b)
		return err
	})
	r.each(pastStandings, r.since, func(rows *sql.Rows) error {
		var st guard.Standing
		err := scanStanding(rows, &st)
		m.Standings = append(m.Standings, st)
		return err
	})
	r.each(pastUsage, r.now.Add(-used), func(rows *sql.Rows) error {
		var u guard.Usage
		err := rows.Scan(&u.Account.PBX, &u.Account.Domain, &u.Account.Name, toTime(&u.At), &u.Talked, &u.Cost)
		m.Usage = append(m.Usage, u)
		return err
	})
	r.habits(&m)
	r.acts(&m)
	r.one(nextID, &m.NextID)
	r.one(pastMeta, &m.Watched, watched)
	return m
}

// bans reads bans in the order of their prefixes, and those of a prefix in the
// order of time.
func (r *recall) bans() []guard.Ban {
	words := r.words()
	var n int
	r.one(countBans, &n, sql.Named("since", nanos(r.since)))
	bans, first := make([]guard.Ban, 0, n), 0 // first of the latest prefix
	r.each(pastBans, r.since, func(rows *sql.Rows) error {
		var b Ban
		var rule, by, proof int64
		err := rows.Scan(toBinary(&b.Prefix), toTime(&b.Since), toTime(&b.Until), &rule, &b.Reason, &b.Times,
			&proof, &by, &b.Enforced, toTime(&b.Lifted))
		b.Rule, b.By, b.Proof = words[rule], words[by], guard.Proof(proof)
		if first < len(bans) && bans[first].Prefix != b.Prefix {
			first = len(bans)
		}
		same := r.still(bans[first:], b)
		bans = bans[:first+len(same)]
		if b.Lifted.IsZero() {
			bans = append(bans, b.Ban)
		}
		return err
	})
	return bans
}

// still returns which of the earlier bans of a prefix matter when b has come: a
// lift forgives all, and of those that ended only the latest of a kind counts.
func (r *recall) still(earlier []guard.Ban, b Ban) []guard.Ban {
	return slices.DeleteFunc(earlier, func(e guard.Ban) bool {
		ended := !e.Until.IsZero() && !e.Until.After(r.now)
		return !b.Lifted.IsZero() || ended && e.Proof == b.Proof && e.Enforced == b.Enforced
	})
}

// words returns the dictionary, so that a million bans share their words.
func (r *recall) words() map[int64]string {
	words := map[int64]string{}
	r.each(allTexts, time.Time{}, func(rows *sql.Rows) error {
		var id int64
		var text string
		err := rows.Scan(&id, &text)
		words[id] = text
		return err
	})
	return words
}

// each calls f for each row of a query about what was after since.
func (r *recall) each(query string, since time.Time, f func(*sql.Rows) error) {
	if r.err != nil {
		return
	}
	rows, err := r.tx.Query(query, sql.Named("since", nanos(since)))
	if err != nil {
		r.err = err
		return
	}
	defer rows.Close()
	for rows.Next() && r.err == nil {
		r.err = f(rows)
	}
	if r.err == nil {
		r.err = rows.Err()
	}
}

func (r *recall) one(query string, to any, args ...any) {
	if r.err == nil {
		r.err = r.tx.QueryRow(query, args...).Scan(to)
	}
}
