// Package asterisk audits Asterisk and FreePBX: it reads the configuration as
// Asterisk does, follows the dialplan from whoever may call to every trunk, and
// brings the table of checks over that.
package asterisk

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// Kind returns Asterisk as a kind of PBX.
func Kind() audit.Kind { return KindReading(nil) }

// KindReading is Kind for a host whose FreePBX has a database that open reads.
// Without open, or if it fails, a dump is looked for.
func KindReading(open func(*audit.Site) (audit.Tables, error)) audit.Kind {
	return audit.NewKind("asterisk", table(), func(s *audit.Site) (*PBX, bool) {
		p, there := load(s)
		if there {
			p.open = open
		}
		return p, there
	})
}

// PBX is an Asterisk as its configuration makes it.
type PBX struct {
	site  *audit.Site
	etc   string // astetcdir
	spool string // astspooldir
	lib   string // astvarlibdir, below which sounds and keys lie
	astdb string // the file of AstDB
	mods  string // astmoddir
	logs  string // astlogdir
	exec  bool   // execincludes
	files map[string]*conf.File

	plan     *dialplan
	ways     []entry                     // into the dialplan, once they were looked for
	gateways map[string]bool             // what numbers are dialled through
	anywhere map[string]bool             // contexts in which people dial; "" is any
	objects  map[string][]*conf.Section  // of pjsip, by type in lower case
	named    map[[2]string]*conf.Section // the first of them by type and name
	usersOf  map[string][]*conf.Section  // endpoints by the name of their auth
	known    map[string][]*conf.Section  // identify objects by the endpoint's name
	trunk    map[*conf.Section]bool      // endpoints beyond which there is another network
	db       *database
	live     *running
	merged   bool // what chan_pjsip has from a database is known from the running Asterisk
	free     *freePBX

	boxes     map[string]bool                         // numbers that may have a mailbox
	open      func(*audit.Site) (audit.Tables, error) // FreePBX's database; nil: it is not read live
	rows      *freeTables
	held      []audit.Held
	calls     *audit.Calls
	callsLost string // why there are no call records, or not all
}

// load finds Asterisk's configuration; there is none without asterisk.conf or
// one of the files that no Asterisk is without.
func load(site *audit.Site) (*PBX, bool) {
	p := &PBX{site: site, etc: "/etc/asterisk", files: map[string]*conf.File{}}
	there := false
	for _, name := range []string{"asterisk.conf", "modules.conf", "extensions.conf", "pjsip.conf", "sip.conf", "manager.conf"} {
		there = there || site.Tree.Exists(path.Join(p.etc, name))
	}
	if !there {
		return nil, false
	}
	main := p.file("asterisk.conf")
	p.exec = main.Section("options").Yes("execincludes")
	dirs := main.Section("directories") // a template is ignored, as in Asterisk: Debian ships one
	p.spool = or(dirs.Get("astspooldir"), "/var/spool/asterisk")
	p.lib = or(dirs.Get("astvarlibdir"), "/var/lib/asterisk")
	p.logs = or(dirs.Get("astlogdir"), "/var/log/asterisk")
	p.mods = or(dirs.Get("astmoddir"), "/usr/lib/asterisk/modules")
	p.astdb = path.Join(or(dirs.Get("astdbdir"), p.lib), "astdb.sqlite3")
	if etc := dirs.Get("astetcdir"); etc != "" && site.Tree.Exists(etc) && etc != p.etc {
		p.etc, p.files = etc, map[string]*conf.File{}
	}
	p.readObjects()
	p.noteRegistered()
	p.plan = p.readDialplan()
	return p, true
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// file reads a configuration file, once.
func (p *PBX) file(name string) *conf.File {
	f := p.files[name]
	if f == nil {
		r := conf.Reader{Files: p.site.Tree, Dir: p.etc, Exec: p.exec, GoOn: true}
		f = r.Read(name)
		p.files[name] = f
	}
	return f
}

// Source tells how much of a source was read: a file of the configuration
// directory, or one of the sources that are put together from several.
func (p *PBX) Source(need string) (audit.State, string) {
	switch need {
	case "asterisk":
		return audit.Whole, ""
	case askable:
		return p.askedState()
	case "pjsip":
		beyond := p.realtime("ps_", "res_pjsip")
		if p.merged {
			beyond = ""
		}
		return p.together(append(p.objectFiles(), "pjsip_wizard.conf"), beyond)
	case "chan_sip":
		if !p.hasChanSIP() {
			return audit.Absent, ""
		}
		return p.together([]string{"sip.conf"}, p.realtime("sip", ""))
	case "iax":
		if p.module("chan_iax2.so") == unloaded {
			return audit.Absent, ""
		}
		return p.together([]string{"iax.conf"}, p.realtime("iax", ""))
	case "dialplan":
		return p.together([]string{"extensions.conf"}, p.plan.unknown())
	case "voicemail":
		return p.together([]string{"voicemail.conf"}, p.realtime("voicemail", ""))
	case "astdb":
		return p.database().state()
	case "calls":
		p.Calls()
		if p.callsLost != "" {
			return audit.Partial, p.callsLost
		}
		return audit.Whole, ""
	case "freepbx":
		return p.freePBX().state()
	case "freepbx-database":
		if !p.freePBX().there() {
			return audit.Absent, ""
		}
		return p.tables().state, p.tables().why
	case "freepbx-rows": // for checks that do without
		if t := p.tables(); t.why != errNoDump.Error() {
			return t.state, t.why
		}
		return audit.Absent, ""
	}
	return p.together([]string{need}, "")
}

// together is the state of files that make up one source.
func (p *PBX) together(names []string, beyond string) (audit.State, string) {
	found, lost := false, ""
	for _, name := range names {
		if beyond == "" {
			beyond = p.static(name)
		}
		f := p.file(name)
		found = found || f.Found
		switch {
		case lost != "":
		case f.Lost() != "":
			lost = f.Lost()
		case f.Found && f.Invalid != "":
			lost = f.Invalid
		}
	}
	switch {
	case beyond != "":
		return audit.Partial, beyond
	case lost != "" && found:
		return audit.Partial, lost
	case lost != "":
		return audit.Lost, lost
	case found:
		return audit.Whole, ""
	}
	return audit.Absent, ""
}

// static tells that a whole file comes from a database, which extconfig.conf can
// say of any.
func (p *PBX) static(name string) string {
	for _, set := range p.file("extconfig.conf").Section("settings").Settings {
		if strings.EqualFold(set.Key, name) {
			return set.At.String() + ": " + set.Key + " comes from a database, which is not read"
		}
	}
	return ""
}

// realtime tells that objects come from a database: tables that begin so in
// extconfig.conf, or objects of a module in sorcery.conf.
func (p *PBX) realtime(table, module string) string {
	for _, set := range p.file("extconfig.conf").Section("settings").Settings {
		if strings.HasPrefix(strings.ToLower(set.Key), table) {
			return set.At.String() + ": " + set.Key + " comes from a database, which is not read"
		}
	}
	if module == "" {
		return ""
	}
	for _, s := range p.file("sorcery.conf").Sections {
		if s.Template || !strings.EqualFold(s.Name, module) {
			continue
		}
		for _, set := range s.Settings {
			source, _, _ := strings.Cut(set.Value, ",")
			switch source {
			case "realtime", "astdb":
				return set.At.String() + ": " + set.Key + " comes from a database, which is not read"
			case "config": // the file is read
			default: // memory, curl, or whatever a module brings
				return set.At.String() + ": " + set.Key + " comes from " + source + ", which is not read"
			}
		}
	}
	return ""
}

// loading says whether a module runs.
type loading int

const (
	maybe    loading = iota // the modules on disk are not known
	loaded                  // it runs
	unloaded                // it does not
)

// module tells whether Asterisk runs a module: as it says itself, or else as it
// would by its files.
func (p *PBX) module(name string) loading {
	if r := p.asked(); r != nil {
		if l, known := r.module(name); known {
			return l
		}
	}
	return p.moduleInFile(name)
}

// moduleInFile tells whether Asterisk loads a module, by modules.conf and by
// whether it is on disk.
func (p *PBX) moduleInFile(name string) loading {
	modules := p.file("modules.conf").Section("modules")
	named := func(key string) bool {
		for _, set := range modules.All(key) {
			if strings.EqualFold(strings.TrimSuffix(set.Value, ".so"), strings.TrimSuffix(name, ".so")) {
				return true
			}
		}
		return false
	}
	if named("noload") {
		return unloaded
	}
	if p.file("modules.conf").Lost() != "" {
		return maybe
	}
	auto := modules.Has("autoload") && modules.Yes("autoload")
	wanted := auto || named("load") || named("preload") || named("require") || named("preload-require")
	if p.file("modules.conf").Found && !wanted {
		return unloaded
	}
	if dir := p.moduleDir(); dir != "" {
		if !p.site.Tree.Exists(path.Join(dir, name)) {
			return unloaded
		}
		return loaded
	}
	if named("load") || named("require") {
		return loaded
	}
	return maybe
}

// moduleDir is where modules lie in the tree, or "".
func (p *PBX) moduleDir() string {
	dirs := []string{p.mods, "/usr/lib64/asterisk/modules", "/usr/lib/x86_64-linux-gnu/asterisk/modules", "/usr/lib/aarch64-linux-gnu/asterisk/modules"}
	for _, dir := range dirs {
		if p.site.Tree.Exists(dir) {
			return dir
		}
	}
	return ""
}

// hasChanSIP tells whether the old SIP driver, which Asterisk 21 lost, may run.
func (p *PBX) hasChanSIP() bool {
	return p.file("sip.conf").Found && p.module("chan_sip.so") != unloaded && p.version().major < 21
}

// version is Asterisk's; a zero one is not known.
type version struct {
	major, minor, patch int
	text, from          string
	cert                int // of a certified release, else 0
}

// version asks what was told, then the running Asterisk, then the package
// manager of the tree.
func (p *PBX) version() version {
	if v := p.site.Facts["asterisk.version"]; v != "" {
		return parseVersion(v, whereRunning)
	}
	if r := p.asked(); r != nil && r.setting("AsteriskVersion") != "" {
		return parseVersion(r.setting("AsteriskVersion"), whereRunning)
	}
	return p.packaged()
}

// packaged is the version that the package manager of the tree installed.
func (p *PBX) packaged() version {
	data, err := p.site.Tree.ReadFile(dpkgStatus)
	if err != nil {
		return version{}
	}
	for stanza := range strings.SplitSeq(string(data), "\n\n") {
		if strings.HasPrefix(stanza, "Package: asterisk\n") && strings.Contains(stanza, " installed\n") {
			_, rest, _ := strings.Cut(stanza, "\nVersion: ")
			v, _, _ := strings.Cut(rest, "\n")
			if _, after, ok := strings.Cut(v, ":"); ok { // the epoch
				v = after
			}
			return parseVersion(v, dpkgStatus)
		}
	}
	return version{}
}

// dpkgStatus lists the packages of Debian.
const dpkgStatus = "/var/lib/dpkg/status"

// packagesLost tells why it is not known what is installed, or "".
func (p *PBX) packagesLost() string {
	if _, err := p.site.Tree.ReadFile(dpkgStatus); err != nil && !missing(err) {
		return err.Error()
	}
	return ""
}

func parseVersion(text, from string) version {
	v := version{text: text, from: from}
	part := func(s string) (n int, rest string) {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, _ = strconv.Atoi(s[:i])
		return n, strings.TrimPrefix(s[i:], ".")
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "Asterisk "), "certified/")
	v.major, rest = part(rest)
	v.minor, rest = part(rest)
	if after, ok := strings.CutPrefix(rest, "-cert"); ok {
		v.cert, _ = part(after)
		return v
	}
	v.patch, rest = part(rest)
	if after, ok := strings.CutPrefix(rest, "-cert"); ok {
		v.cert, _ = part(after)
	}
	return v
}

// before tells whether v is older than major.minor.patch, within its major.
func (v version) before(minor, patch int) bool {
	return v.minor < minor || v.minor == minor && v.patch < patch
}

// missing tells whether a file is not there, rather than unreadable.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// wholeHost tells whether the tree is all of a host rather than its Asterisk
// alone, so that what is not there does not exist.
func (p *PBX) wholeHost() bool { return p.site.Tree.Exists("/etc/passwd") }
