package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"pbxguard/guard"
)

// habits reads what is usual, and what was spent this month.
func (r *recall) habits(m *guard.Memory) {
	r.each(pastSpent, r.now.Add(-spent), func(rows *sql.Rows) error {
		var v guard.Spent
		err := rows.Scan(&v.Account.PBX, &v.Account.Domain, &v.Account.Name, toTime(&v.Day), &v.Amount)
		m.Spent = append(m.Spent, v)
		return err
	})
	r.each(pastHours, r.now.Add(-habits), func(rows *sql.Rows) error {
		var h guard.Hour
		var hour int64
		err := rows.Scan(&h.Account.PBX, &h.Account.Domain, &h.Account.Name, &hour, &h.Calls, &h.Numbers, &h.Peak, &h.Abroad, &h.Talked)
		h.At = time.Unix(hour, 0).UTC()
		m.Hours = append(m.Hours, h)
		return err
	})
	r.each(pastSeen, r.now.Add(-seen), func(rows *sql.Rows) error {
		var v guard.Seen
		err := rows.Scan(&v.Account.PBX, &v.Account.Domain, &v.Account.Name, &v.What, &v.Key, toTime(&v.First), toTime(&v.Last), &v.Days)
		m.Seen = append(m.Seen, v)
		return err
	})
}

// acts reads what can still be undone.
func (r *recall) acts(m *guard.Memory) {
	r.each(pastActs, time.Time{}, func(rows *sql.Rows) error {
		var kind, body string
		if err := rows.Scan(&kind, &body); err != nil {
			return err
		}
		switch kind {
		case exceptionAct:
			var x guard.Exception
			if err := json.Unmarshal([]byte(body), &x); err != nil {
				return fmt.Errorf("an exception is not readable: %w", err)
			}
			m.Exceptions = append(m.Exceptions, x)
		case forwardAct:
			var f guard.ForwardOff
			if err := json.Unmarshal([]byte(body), &f); err != nil {
				return fmt.Errorf("a forward is not readable: %w", err)
			}
			m.ForwardsOff = append(m.ForwardsOff, f)
		}
		return nil
	})
}
