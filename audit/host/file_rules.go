package host

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pbxguard/audit"
)

func readable(m *model, r *audit.Result) {
	for _, f := range m.files["secrets"] {
		switch {
		case f.mode&0o002 != 0 && m.passable(f.name):
			r.FailAs(audit.Critical, f.name, f.name, "others may write it (%s)", f.mode)
		case f.open:
			r.Fail(f.name, f.name, "others may read it (%s)", f.mode)
		}
	}
	for _, name := range m.copies {
		r.FailAs(audit.Critical, name, name, "a backup lies in the web root")
	}
}

// keepDays is how long records must be kept (S004: three months).
const keepDays = 90

var periods = map[string]int{"hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}

func retention(m *model, r *audit.Result) {
	for _, t := range m.texts["logrotate"] {
		period, count, where := 7, 0, t.name
		t.lines(func(n int, line string) {
			f := strings.Fields(line)
			if len(f) == 0 {
				return
			}
			if days, ok := periods[f[0]]; ok {
				period = days
			}
			if f[0] == "rotate" && len(f) > 1 {
				count, _ = strconv.Atoi(f[1])
				where = at(t.name, n)
			}
			if f[0] == "}" {
				if days := period * count; days < keepDays {
					r.Fail(t.name, where, "logs are kept for %d days", days)
				}
				period, count = 7, 0
			}
		})
	}
}

// keepers are the services that keep the clock, as systemd enables them.
var keepers = []string{
	"/etc/systemd/system/*.wants/systemd-timesyncd.service", "/etc/systemd/system/*.wants/chrony*.service",
	"/etc/systemd/system/*.wants/ntp*.service", "/etc/systemd/system/*.wants/openntpd.service", "/run/systemd/timesync/synchronized",
}

func clock(m *model, r *audit.Result) {
	kept := false
	for _, pattern := range keepers {
		kept = kept || len(m.glob("time", pattern)) > 0
	}
	if !kept && len(m.glob("time", "/etc/systemd/system/*.wants/*")) == 0 {
		r.Incomplete("clock", "", "which services are enabled can't be seen in these files")
	} else if !kept {
		r.Fail("clock", "", "no service that keeps the time is enabled")
	}
	zone := ""
	for _, t := range m.texts["time"] {
		if t.name == "/etc/timezone" {
			zone = strings.TrimSpace(t.text)
			continue
		}
		t.lines(func(n int, line string) {
			key, value, ok := strings.Cut(line, "=")
			value, _, _ = strings.Cut(value, "#")
			value = strings.Trim(strings.TrimSpace(value), "'")
			if ok && strings.TrimSpace(key) == "timezone" && zone != "" && value != zone {
				r.Fail("database", at(t.name, n), "its time zone is %s, the host's %s", value, zone)
			}
		})
	}
}

var fetchAndRun = regexp.MustCompile(`(?i)(curl|wget|fetch|lwp-download)\b[^|;&]*\|\s*(sudo\s+)?(ba|da|z|k)?sh\b|base64\s+(-d|--decode)[^|]*\|\s*\w*sh\b|/dev/tcp/`)

func jobs(m *model, r *audit.Result) {
	for _, t := range m.texts["cron"] {
		if known, same := m.site.Memory.Note("file:"+t.name, []byte(t.text)); !known {
			r.Fail(t.name, t.name, "it is new since the last audit")
		} else if !same {
			r.Fail(t.name, t.name, "it has changed since the last audit")
		}
		t.lines(func(n int, line string) {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") && fetchAndRun.MatchString(line) {
				r.FailAs(audit.High, t.name, at(t.name, n), "a download is run as it comes")
			}
		})
	}
}

var inlineSecret = regexp.MustCompile(`^\s*(password|secret|token)\s*=\s*["'][^"']`)

func guardItself(m *model, r *audit.Result) {
	for _, f := range m.files["guard"] {
		if strings.HasSuffix(f.name, ".db") && f.mode&0o077 != 0 {
			r.Fail(f.name, f.name, "others than the guard may read its database (%s)", f.mode)
		}
	}
	for _, t := range m.texts["guard"] {
		section := ""
		shared := slices.ContainsFunc(m.files["guard"], func(f file) bool { return f.name == t.name && f.open })
		t.lines(func(n int, line string) {
			if shared && inlineSecret.MatchString(line) {
				r.Fail(t.name, at(t.name, n), "others may read the secret in it")
			}
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
				section = strings.Trim(line, "[] ")
			}
			key, value, _ := strings.Cut(line, "=")
			switch strings.TrimSpace(line) {
			case "Restart=no", "WatchdogSec=0", "WatchdogSec=":
				r.Fail("service", at(t.name, n), "%s: nobody starts the guard again", strings.TrimSpace(line))
			}
			if strings.TrimSpace(key) == "mode" && strings.Trim(strings.TrimSpace(value), `"'`) == "observe" && (section == "calls" || section == "bans") {
				r.Fail(section, at(t.name, n), "the guard only watches: %s.mode is observe", section)
			}
		})
	}
}
