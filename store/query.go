package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"pbxguard/guard"
)

// Query says which rows are wanted. The zero value of a field asks for no
// particular one; a field that a table lacks is ignored.
type Query struct {
	// Since, included, and Until, not included, are about when a decision was
	// made, a call ended, a login failed, a ban began, an account was last seen.
	Since, Until time.Time
	Rule         string // of decisions and bans
	// Account is a name or, with its PBX, what [guard.Account.String] writes.
	Account string
	Source  netip.Addr // for bans: in any prefix that contains it
	Limit   int        // the newest so many; 0 is 1000
	// AfterID asks for decisions of later ids, and for the oldest of them if
	// there are more than Limit: what is new since the last look.
	AfterID uint64
}

const defaultLimit = 1000

// Auth is one failed login, or several that are alike.
type Auth struct {
	guard.AuthRecord           // the first
	Count            int       `json:"count"`
	Last             time.Time `json:"last"`
}

// Ban is a ban and how it ended.
type Ban struct {
	guard.Ban
	Lifted   time.Time `json:"lifted,omitzero"` // zero: not by hand
	LiftedBy string    `json:"lifted_by,omitempty"`
}

// InForce says whether the ban stands at a time.
func (b Ban) InForce(now time.Time) bool {
	return b.Lifted.IsZero() && (b.Until.IsZero() || b.Until.After(now))
}

// Decisions returns decisions, oldest first, each with its latest outcome.
func (s *Store) Decisions(ctx context.Context, q Query) ([]guard.Decision, error) {
	if q.AfterID > 0 {
		return list(ctx, s, nextDecisions, q, scanDecided)
	}
	return newest(ctx, s, newestDecisions, q, scanDecided)
}

// CallRecords returns calls, in the order of their ends.
func (s *Store) CallRecords(ctx context.Context, q Query) ([]guard.CallRecord, error) {
	return newest(ctx, s, newestCalls, q, scanCall)
}

// Auths returns failed logins, oldest first. One without a source stands for
// those of a flood which was too broad to be written down one by one.
func (s *Store) Auths(ctx context.Context, q Query) ([]Auth, error) {
	return newest(ctx, s, newestAuths, q, scanAuth)
}

// Standings returns who has registered or authenticated from where, the one
// seen last at the end.
func (s *Store) Standings(ctx context.Context, q Query) ([]guard.Standing, error) {
	return newest(ctx, s, newestStandings, q, scanStanding)
}

// Bans returns bans, past ones and those in force, oldest first.
func (s *Store) Bans(ctx context.Context, q Query) ([]Ban, error) {
	return newest(ctx, s, newestBans, q, scanBan)
}

// Gaps returns the times in which a PBX was not seen, oldest first.
func (s *Store) Gaps(ctx context.Context, q Query) ([]guard.Gap, error) {
	return newest(ctx, s, newestGaps, q, scanGap)
}

// newest lists what a query gives newest first the other way round.
func newest[T any](ctx context.Context, s *Store, query string, q Query, scan func(*sql.Rows, *T) error) ([]T, error) {
	out, err := list(ctx, s, query, q, scan)
	slices.Reverse(out)
	return out, err
}

func list[T any](ctx context.Context, s *Store, query string, q Query, scan func(*sql.Rows, *T) error) (out []T, err error) {
	err = s.read(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, query, q.args()...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var row T
			if err := scan(rows, &row); err != nil {
				return err
			}
			out = append(out, row)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot query the store: %w", err)
	}
	return out, nil
}

// args are the parameters of every query.
func (q Query) args() []any {
	limit, since, until := q.Limit, int64(math.MinInt64), int64(math.MaxInt64)
	if limit == 0 {
		limit = defaultLimit
	}
	if !q.Since.IsZero() {
		since = nanos(q.Since)
	}
	if !q.Until.IsZero() {
		until = nanos(q.Until)
	}
	return []any{
		sql.Named("since", since), sql.Named("until", until), sql.Named("rule", q.Rule),
		sql.Named("account", q.Account), sql.Named("source", addrBytes(q.Source)), sql.Named("around", around(q.Source)),
		sql.Named("after", int64(q.AfterID)), sql.Named("limit", limit),
	}
}

// around lists every prefix that contains an address, as JSON for SQLite: the
// stored form of each, in hex.
func around(a netip.Addr) string {
	var in []string
	for bits := range a.BitLen() + 1 {
		if p, err := a.Prefix(bits); err == nil { // no address is in no prefix
			in = append(in, hex.EncodeToString(prefixBytes(p)))
		}
	}
	list, _ := json.Marshal(in) // strings never fail
	return string(list)
}
