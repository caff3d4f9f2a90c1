package host

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"pbxguard/audit"
)

// person is a login of the host in a group of the PBX.
type person struct {
	name   string
	at     string
	last   time.Time // of its logins; zero: never
	logged bool      // that is known
}

// pbxGroups are the groups whose members may do with the PBX what they like.
var pbxGroups = []string{"asterisk", "freeswitch"}

// readPeople finds logins with a shell in a group of the PBX, and when each was
// last used.
func (m *model) readPeople() {
	gids, members := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(m.read("users", "/etc/group")) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || !slices.Contains(pbxGroups, f[0]) {
			continue
		}
		gids[f[2]] = true
		for _, name := range strings.Split(f[3], ",") {
			members[name] = true
		}
	}
	last := m.readLastlog()
	n := 0
	for line := range strings.Lines(m.read("users", "/etc/passwd")) {
		n++
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 7 || slices.Contains(pbxGroups, f[0]) || !members[f[0]] && !gids[f[3]] {
			continue
		}
		switch path.Base(f[6]) {
		case "nologin", "false", "sync", "":
			continue
		}
		p := person{name: f[0], at: at("/etc/passwd", n)}
		if uid, err := strconv.Atoi(f[2]); err == nil && last != nil {
			p.last, p.logged = last(uid), true
		}
		m.shells = append(m.shells, p)
	}
}

// lastlog is one entry of /var/log/lastlog, at its user's number: the time as
// four bytes, the line as 32 and the host as 256 (struct lastlog of glibc).
const lastlog = 4 + 32 + 256

// readLastlog returns what tells when a user last logged in; nil if it can't be
// known. Debian 13 keeps that in an SQLite database instead.
func (m *model) readLastlog() func(uid int) time.Time {
	m.note("logins", audit.Absent, "")
	data, err := m.site.Tree.ReadFile("/var/log/lastlog")
	if err == nil {
		m.note("logins", audit.Whole, "")
		return func(uid int) (t time.Time) {
			if uid >= 0 && uid < len(data)/lastlog {
				if at := binary.LittleEndian.Uint32(data[uid*lastlog:]); at != 0 {
					t = time.Unix(int64(at), 0).UTC()
				}
			}
			return t
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		m.note("logins", audit.Partial, err.Error())
	}
	return m.readLastlog2()
}

func (m *model) readLastlog2() func(uid int) time.Time {
	const name = "/var/lib/lastlog/lastlog2.db"
	data, err := m.site.Tree.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	last := map[string]time.Time{}
	if err == nil {
		err = audit.SQLite(data, "SELECT Name, Time FROM Lastlog2", func(r audit.Row) {
			if at, err := strconv.ParseInt(r["Time"], 10, 64); err == nil {
				last[r["Name"]] = time.Unix(at, 0).UTC()
			}
		})
	}
	if err != nil {
		m.note("logins", audit.Partial, "cannot read "+name+": "+err.Error())
		return nil
	}
	m.note("logins", audit.Whole, "")
	return func(uid int) time.Time { return last[m.users[strconv.Itoa(uid)]] }
}

// Site is what is audited.
func (m *model) Site() *audit.Site { return m.site }

// Held lists the logins that may administer the PBX. How far back it is known
// when they were used, nothing tells: the files are as old as the host.
func (m *model) Held() (all []audit.Held) {
	for _, p := range m.shells {
		all = append(all, audit.Held{Role: audit.Administrator, Name: p.name, Object: "login " + p.name, At: p.at, Logins: p.logged, Login: p.last})
	}
	return all
}

// Forwards, calls and numbers are the PBX's.
func (m *model) Forwards() []audit.Forward { return nil }

// Calls tells none.
func (m *model) Calls() audit.Calls { return audit.Calls{} }

// Outside judges a number as any.
func (m *model) Outside(number string) audit.Reach { return m.site.Outside(number) }
