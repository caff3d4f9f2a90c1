package asterisk

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// Contacts lists the phones that are registered according to AstDB, Asterisk's
// own SQLite file, which is only read. It serves at the first start, before any
// registration was watched. The accounts have no PBX: AstDB does not name it.
func Contacts(astdb string) ([]guard.Standing, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: astdb}).EscapedPath()+"?mode=ro&_query_only=1&_busy_timeout=2000")
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", astdb, err)
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT key, value FROM astdb
		WHERE key LIKE '/registrar/contact/%' OR key LIKE '/SIP/Registry/%' OR key LIKE '/IAX/Registry/%' LIMIT 100000`)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", astdb, err)
	}
	defer rows.Close()
	var standings []guard.Standing
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", astdb, err)
		}
		if s, ok := standing(key, value, time.Now()); ok {
			standings = append(standings, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", astdb, err)
	}
	return standings, nil
}

// standing reads one row.
func standing(key, value string, now time.Time) (s guard.Standing, ok bool) {
	s.First, s.Last, s.Registered = now, now, true
	var source netip.AddrPort
	if contact, isPJSIP := strings.CutPrefix(key, "/registrar/contact/"); isPJSIP {
		source, ok = pjsipContact(&s, contact, value, now)
	} else {
		// "192.0.2.7:5060:3600:100:sip:100@192.0.2.7:5060", an IPv6 address in brackets.
		s.Account.Name = key[strings.LastIndexByte(key, '/')+1:]
		source, ok = registryAddr(value)
	}
	s.Source = source.Addr()
	return s, ok && s.Account.Name != ""
}

// pjsipContact reads a contact of chan_pjsip. Where it is registered from is
// told by Via, as the phone sees itself, and by the URI, which is the true
// address where the endpoint has rewrite_contact and else the phone's word too.
func pjsipContact(s *guard.Standing, contact, value string, now time.Time) (netip.AddrPort, bool) {
	var c struct {
		URI       string `json:"uri"`
		Endpoint  string `json:"endpoint"`
		UserAgent string `json:"user_agent"`
		Expires   string `json:"expiration_time"` // seconds since 1970
	}
	if err := json.Unmarshal([]byte(value), &c); err != nil {
		return netip.AddrPort{}, false // not a contact as any known version writes it
	}
	if expires, err := strconv.ParseInt(c.Expires, 10, 64); err == nil && expires > 0 && expires < now.Unix() {
		return netip.AddrPort{}, false
	}
	if s.Account.Name = c.Endpoint; c.Endpoint == "" {
		s.Account.Name, _, _ = strings.Cut(contact, ";")
	}
	s.Agent = wire.Clip([]byte(c.UserAgent))
	// In AstDB a semicolon may be written ^3B.
	return uriAddr([]byte(strings.ReplaceAll(c.URI, "^3B", ";")))
}

// registryAddr reads the address at the beginning of a registry row.
func registryAddr(value string) (netip.AddrPort, bool) {
	end := 0
	if strings.HasPrefix(value, "[") {
		end = max(strings.IndexByte(value, ']'), 0)
	}
	colon := strings.IndexByte(value[end:], ':')
	if colon < 0 {
		return netip.AddrPort{}, false
	}
	port, _, _ := strings.Cut(value[end+colon+1:], ":")
	return hostPort([]byte(value[:end+colon+1] + port))
}
