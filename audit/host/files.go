package host

import (
	"io/fs"
	"path"
	"strings"

	"pbxguard/audit"
)

// text is a file that was read, with its name.
type text struct{ name, text string }

// file is a file whose permissions matter.
type file struct {
	name string
	mode fs.FileMode
	open bool // others may read it, through all folders above
}

// textFiles are the files that checks read as a whole, by source.
var textFiles = map[string][]string{
	"logrotate": {"/etc/logrotate.d/asterisk", "/etc/logrotate.d/freeswitch", "/etc/logrotate.d/fusionpbx", "/etc/logrotate.d/freepbx"},
	"time":      {"/etc/timezone", "/etc/postgresql/*/main/postgresql.conf"},
	"guard":     {guardConf, "/etc/systemd/system/pbxguard.service", "/etc/systemd/system/pbxguard.service.d/*.conf"},
	"cron":      {"/etc/crontab", "/etc/cron.d/*", "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/systemd/system/*.service"},
}

// jobOwners are the users of a PBX and of its web pages.
var jobOwners = []string{"asterisk", "freeswitch", "www-data", "apache", "nginx", "root"}

const guardConf = "/etc/pbxguard/pbxguard.toml"

func (m *model) readTexts() {
	for need, patterns := range textFiles {
		m.note(need, audit.Absent, "")
		if need == "cron" {
			for _, user := range jobOwners {
				patterns = append(patterns[:len(patterns):len(patterns)], "/var/spool/cron/crontabs/"+user, "/var/spool/cron/"+user)
			}
		}
		for _, pattern := range patterns {
			for _, name := range m.glob(need, pattern) {
				if body := m.read(need, name); body != "" {
					m.texts[need] = append(m.texts[need], text{name, body})
				}
			}
		}
	}
	if len(m.texts["time"]) == 0 && m.site.Tree.Exists("/etc/systemd") {
		m.note("time", audit.Whole, "")
	}
}

// secretFiles are patterns of files with secrets.
var secretFiles = []string{
	"/etc/asterisk/pjsip*.conf", "/etc/asterisk/sip*.conf", "/etc/asterisk/iax*.conf", "/etc/asterisk/manager*.conf", "/etc/asterisk/voicemail.conf",
	"/etc/asterisk/ari*.conf", "/etc/asterisk/extensions*.conf", "/etc/asterisk/res_odbc*.conf", "/etc/asterisk/*.conf~", "/etc/asterisk/*.bak",
	"/etc/freepbx.conf", "/etc/amportal.conf", "/var/lib/asterisk/astdb.sqlite3",
	"/etc/fusionpbx/config.conf", "/etc/fusionpbx/config.php", "/etc/odbc.ini",
	"/etc/freeswitch/tls/*.pem", "/etc/freeswitch/tls/*.key", "/etc/asterisk/keys/*.key", "/etc/asterisk/keys/*.pem", "/etc/letsencrypt/archive/*/privkey*.pem",
}

func (m *model) readFiles() {
	for need, patterns := range map[string][]string{"secrets": secretFiles, "guard": {"/var/lib/pbxguard/*.db", "/etc/pbxguard/*"}} {
		for _, pattern := range patterns {
			for _, name := range m.glob(need, pattern) {
				m.readFile(need, name)
			}
		}
	}
}

// webBackups are copies that a web server hands to anybody who asks.
var webBackups = []string{"tgz", "tar.gz", "sql", "sql.gz", "bak", "zip", "conf~"}

var webRoots = []string{"/var/www", "/var/www/html", "/var/www/fusionpbx", "/usr/share/nginx/html"}

func (m *model) readCopies() {
	for _, root := range webRoots {
		for _, end := range webBackups {
			m.copies = append(m.copies, m.glob("secrets", root+"/*."+end)...)
		}
	}
}

func (m *model) readFile(need, name string) {
	info, err := m.site.Tree.Stat(name)
	switch {
	case err != nil:
		m.note(need, audit.Partial, err.Error())
	case info.IsDir():
		if ext := path.Ext(name); ext != "" && ext != ".d" {
			m.note(need, audit.Partial, "cannot read "+name+": it is a folder")
		}
	default:
		m.note(need, audit.Whole, "")
		m.files[need] = append(m.files[need], file{name, info.Mode().Perm(), info.Mode().Perm()&0o004 != 0 && m.passable(name)})
	}
}

// passable tells whether every folder above a file lets others through.
func (m *model) passable(name string) bool {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if d, err := m.site.Tree.Stat(dir); err == nil && d.Mode().Perm()&0o001 == 0 {
			return false
		}
	}
	return true
}

// lines calls visit with each line of a text and its number from 1.
func (t text) lines(visit func(n int, line string)) {
	n := 0
	for line := range strings.Lines(t.text) {
		n++
		visit(n, line)
	}
}
