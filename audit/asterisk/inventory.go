package asterisk

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"pbxguard/audit"
)

// Site is what is audited.
func (p *PBX) Site() *audit.Site { return p.site }

// Outside judges where a number leads that the PBX dials by itself.
func (p *PBX) Outside(number string) audit.Reach { return p.leadsOut(number) }

// account is what a phone logs in with.
type account struct{ name, at, secret, caller string }

// accounts are the names that phones log in with.
func (p *PBX) accounts() (all []account) {
	for _, ep := range p.phones() {
		a := account{name: ep.Name, at: ep.At.String(), caller: ep.Get("callerid")}
		for _, name := range ep.List("auth") {
			if auth := p.object("auth", name); auth != nil {
				a.secret = or(auth.Get("password"), auth.Get("md5_cred"))
			}
		}
		all = append(all, a)
	}
	if p.hasChanSIP() {
		for _, s := range p.peers("sip.conf") {
			if strings.EqualFold(s.Get("host"), "dynamic") {
				all = append(all, account{s.Name, s.At.String(), or(s.Get("secret"), s.Get("md5secret")), s.Get("callerid")})
			}
		}
	}
	return all
}

// Held lists who may use the PBX.
func (p *PBX) Held() (all []audit.Held) {
	if p.held != nil {
		return p.held
	}
	for _, a := range p.accounts() {
		name, _, _ := strings.Cut(a.caller, "<")
		people := []string{strings.Trim(strings.TrimSpace(name), `"`)}
		all = append(all, audit.Held{Role: audit.Extension, Name: a.name, Object: "extension " + a.name, At: a.at, Secret: a.secret, People: people})
	}
	for _, m := range p.mailboxes() {
		all = append(all, audit.Held{Role: audit.Mailbox, Name: m.name, Object: "mailbox " + m.name + "@" + m.context, At: m.at.String(), People: []string{m.owner, m.mail}})
	}
	all = append(all, p.administrators()...)
	for _, q := range p.file("queues.conf").Sections {
		for _, set := range q.All("member") {
			who, _, _ := strings.Cut(set.Value, ",")
			_, who, _ = strings.Cut(strings.TrimSpace(who), "/")
			who, _, _ = strings.Cut(who, "@")
			all = append(all, audit.Held{Role: audit.Member, Name: who, Object: "member " + who + " of queue " + q.Name, At: set.At.String()})
		}
	}
	p.held = append(all, p.lines()...)
	return p.held
}

// lines are the trunks.
func (p *PBX) lines() (all []audit.Held) {
	for _, ep := range p.trunks() {
		h := audit.Held{Role: audit.Trunk, Name: ep.Name, Object: "trunk " + ep.Name, At: ep.At.String()}
		if auth := p.object("auth", ep.Get("outbound_auth")); auth != nil {
			h.Secret = auth.Get("password")
		}
		all = append(all, h)
	}
	for _, file := range []string{"sip.conf", "iax.conf"} {
		if file == "sip.conf" && !p.hasChanSIP() {
			continue
		}
		for _, s := range p.peers(file) {
			if host := s.Get("host"); host != "" && !strings.EqualFold(host, "dynamic") {
				all = append(all, audit.Held{Role: audit.Trunk, Name: s.Name, Object: "trunk " + s.Name, At: s.At.String(), Secret: or(s.Get("secret"), s.Get("remotesecret"))})
			}
		}
	}
	return all
}

// administrators are those of AMI and ARI. When they logged in stands in the
// security log, as far as it reaches back.
func (p *PBX) administrators() (all []audit.Held) {
	since, logins := p.logins()
	for _, s := range p.file("manager.conf").Sections {
		if s.Template || strings.EqualFold(s.Name, "general") || !s.Has("secret") {
			continue
		}
		all = append(all, audit.Held{Role: audit.Administrator, Name: s.Name, Object: "AMI user " + s.Name, At: s.At.String(), Secret: s.Get("secret"),
			Logins: !since.IsZero(), Login: logins[s.Name], LoginsSince: since})
	}
	for _, s := range p.file("ari.conf").Sections {
		if !s.Template && strings.EqualFold(s.Get("type"), "user") {
			all = append(all, audit.Held{Role: audit.Program, Name: s.Name, Object: "ARI user " + s.Name, At: s.At.String(), Secret: s.Get("password")})
		}
	}
	if p.freePBX().there() {
		all = append(all, p.tables().administrators()...)
	}
	return all
}

// securityLog is the file that logger.conf sends the level security to, or "".
func (p *PBX) securityLog() string {
	for _, set := range p.file("logger.conf").Section("logfiles").Settings {
		levels := strings.FieldsFunc(strings.ToLower(set.Value), func(r rune) bool { return r == ',' || r == ' ' })
		if slices.Contains(levels, "security") && set.Key != "console" && !strings.HasPrefix(set.Key, "syslog") {
			if path.IsAbs(set.Key) {
				return set.Key
			}
			return path.Join(p.logs, set.Key)
		}
	}
	return ""
}

// logins reads the security log: when AMI users last logged in, and since when
// it is kept; the zero time if it can't be read.
func (p *PBX) logins() (since time.Time, last map[string]time.Time) {
	name := p.securityLog()
	if name == "" {
		return since, nil
	}
	last = map[string]time.Time{}
	for _, file := range []string{name + ".1", name} {
		data, err := p.site.Tree.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(data) {
			at, ok := logged(line)
			if !ok {
				continue
			}
			if since.IsZero() || at.Before(since) {
				since = at
			}
			if bytes.Contains(line, []byte(`SecurityEvent="SuccessfulAuth"`)) && bytes.Contains(line, []byte(`Service="AMI"`)) {
				if who := quoted(line, `AccountID="`); at.After(last[who]) {
					last[who] = at
				}
			}
		}
	}
	return since, last
}

// logged reads the time of a line of Asterisk's log, of its date format
// %F %T, which FreePBX sets, with or without a fraction.
func logged(line []byte) (time.Time, bool) {
	if len(line) < 21 || line[0] != '[' {
		return time.Time{}, false
	}
	at, err := time.Parse(time.DateTime, string(line[1:20]))
	if err == nil {
		return at, true
	}
	at, err = time.Parse("2006-01-02T15:04:05", quoted(line, `EventTV="`)[:min(19, len(quoted(line, `EventTV="`)))])
	return at, err == nil
}

// quoted is what stands behind a key up to the next quote.
func quoted(line []byte, key string) string {
	_, rest, _ := bytes.Cut(line, []byte(key))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

// Forwards are those of AstDB.
func (p *PBX) Forwards() (all []audit.Forward) {
	for _, f := range p.forwards() {
		all = append(all, audit.Forward{Account: f.extension, Key: f.key, How: f.kind, Number: f.number, At: p.astdb})
	}
	return all
}

// Calls reads the call records of cdr_csv: whose channels had a call when.
func (p *PBX) Calls() audit.Calls {
	if p.calls == nil {
		c := p.readCalls()
		p.calls = &c
	}
	return *p.calls
}

// Fields of cdr_csv (cdr/cdr_csv.c of Asterisk).
const (
	cdrChannel = 5
	cdrDest    = 6
	cdrStart   = 9
)

func (p *PBX) readCalls() audit.Calls {
	name := path.Join(p.logs, "cdr-csv/Master.csv")
	c := audit.Calls{Last: map[string]time.Time{}, From: name, Trunks: true}
	data, err := p.site.Tree.ReadFile(name)
	if err != nil {
		if !missing(err) {
			p.callsLost = err.Error()
		}
		return p.databaseCalls(c)
	}
	rows := csv.NewReader(bytes.NewReader(data))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return c
		}
		if err != nil {
			p.callsLost = name + ": " + err.Error()
			return c
		}
		if len(row) <= cdrStart {
			continue
		}
		at, err := time.Parse(time.DateTime, row[cdrStart])
		if err != nil {
			continue
		}
		if c.Since.IsZero() || at.Before(c.Since) {
			c.Since = at
		}
		for _, channel := range []string{row[cdrChannel], row[cdrDest]} {
			if who := ofChannel(channel); who != "" && at.After(c.Last[who]) {
				c.Last[strings.Clone(who)] = at
			}
		}
	}
}

// databaseCalls are those of FreePBX's database, where no file has any.
func (p *PBX) databaseCalls(c audit.Calls) audit.Calls {
	if !p.freePBX().there() {
		return c
	}
	t := p.tables()
	if t.callsLost != "" {
		p.callsLost = t.callsLost
	}
	if !t.since.IsZero() {
		c.Since, c.Last, c.From = t.since, t.last, t.from
	}
	return c
}

// ofChannel is whose channel it is: "PJSIP/100-0000001a" is that of 100.
func ofChannel(channel string) string {
	_, name, ok := strings.Cut(channel, "/")
	i := strings.LastIndexByte(name, '-')
	if !ok || i < 0 {
		return ""
	}
	return name[:i]
}
