package asterisk

import (
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// Found is what the configuration files of an Asterisk tell.
type Found struct {
	ConfigDir      string       `json:"config_dir"` // where the files lie, within the root that was looked at
	ManagerEnabled bool         `json:"manager_enabled"`
	Address        string       `json:"address"`               // host:port of AMI, as seen from its own host
	TLSAddress     string       `json:"tls_address,omitempty"` // the same over TLS, if it is on
	Timestamps     bool         `json:"timestamps"`            // timestampevents
	Accounts       []AMIAccount `json:"accounts,omitempty"`
	Trunks         []Trunk      `json:"trunks,omitempty"` // sorted by name
	Phones         []string     `json:"phones,omitempty"` // endpoints that register, sorted
	FreePBX        bool         `json:"freepbx"`
	ManagerDir     string       `json:"manager_dir,omitempty"` // the directory of which manager.conf includes every file
	AstDB          string       `json:"astdb"`                 // Asterisk's database, an SQLite file
	// Dangerous says that functions of the dial plan which run programs and read
	// files can be reached over AMI, even with rights that do not allow either:
	// live_dangerously.
	Dangerous bool     `json:"live_dangerously,omitempty"`
	Problems  []string `json:"problems,omitempty"` // what could not be read, or was not understood

	general bool // manager.conf has a section of that name
}

// Trunk is an endpoint beyond which there is another network.
type Trunk struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"` // addresses, prefixes and names, sorted
}

// AMIAccount is a user of AMI. Its secret is never read into it.
type AMIAccount struct {
	Name  string   `json:"name"`
	Read  []string `json:"read"`
	Write []string `json:"write"`
	// Excess are rights that allow more than to watch calls and end them: to
	// run commands, to place calls, to change the configuration, to see PINs.
	Excess []string `json:"excess,omitempty"`
}

// Discover reads the configuration of the Asterisk whose files lie below root,
// "/" for this host's own. It fails only if there is none; whatever else is
// wrong stands in [Found.Problems]. Nothing is run and nothing is changed.
func Discover(root string) (Found, error) { return discoverIn(root, "/etc/asterisk") }

// DiscoverAt does what [Discover] does for the Asterisk whose configuration lies
// in dir, on this host or in a container's or chroot's files. It returns what
// stands for "/" to that Asterisk.
func DiscoverAt(dir string) (root string, f Found, err error) {
	root, inside := rootOf(path.Clean("/" + dir))
	f, err = discoverIn(root, inside)
	return root, f, err
}

// rootOf divides a configuration directory into what stands for "/" to its
// Asterisk and what the directory is called there. An asterisk.conf in it says
// its own name.
func rootOf(dir string) (root, inside string) {
	inside = "/etc/asterisk"
	if t, done, err := openTree(dir); err == nil {
		defer done()
		t.dir = "."
		for _, s := range t.read("asterisk.conf") {
			if s.Name == "directories" && !s.Template && s.Get("astetcdir") != "" {
				inside = path.Clean(s.Get("astetcdir"))
			}
		}
	}
	if root, ok := strings.CutSuffix(dir, inside); ok {
		return path.Join("/", root), inside
	}
	return "/", dir
}

func discoverIn(root, dir string) (Found, error) {
	t, done, err := openTree(root)
	if err != nil {
		return Found{}, fmt.Errorf("cannot look for Asterisk: %w", err)
	}
	defer done()
	f := t.discover(dir)
	if !t.exists(f.ConfigDir) {
		return Found{}, fmt.Errorf("cannot find Asterisk: no %s", path.Join(root, f.ConfigDir))
	}
	return f, nil
}

func (t *tree) discover(dir string) Found {
	f := Found{ConfigDir: dir, AstDB: "/var/lib/asterisk/astdb.sqlite3"}
	t.dir = strings.TrimPrefix(dir, "/")
	for _, s := range t.read("asterisk.conf") {
		if s.Name == "options" && !s.Template {
			f.Dangerous = f.Dangerous || s.Yes("live_dangerously")
		}
		// A template is ignored, as in Asterisk: Debian ships one.
		if s.Name != "directories" || s.Template {
			continue
		}
		if dir := s.Get("astetcdir"); dir != "" {
			f.ConfigDir = dir
		}
		if dir := s.Get("astdbdir"); dir != "" {
			f.AstDB = path.Join(dir, "astdb.sqlite3")
		}
	}
	t.dir = strings.TrimPrefix(f.ConfigDir, "/")
	f.FreePBX = t.exists("/etc/freepbx.conf") || t.exists("/etc/amportal.conf")
	t.manager(&f)
	e := endpoints{trunks: map[string]*Trunk{}, phones: map[string]bool{}}
	e.pjsip(t.read("pjsip.conf"))
	e.wizard(t.read("pjsip_wizard.conf"))
	e.peers(t.read("sip.conf"))
	e.peers(t.read("iax.conf"))
	f.Trunks, f.Phones = e.sorted()
	t.realtime()
	f.Problems = t.problems
	return f
}

// manager reads manager.conf.
func (t *tree) manager(f *Found) {
	general := conf.Section{}
	for _, s := range t.read("manager.conf") {
		switch {
		case s.Name == "general":
			f.general = true
			general.Settings = append(general.Settings, s.Settings...)
		case !s.Template && s.Name != "":
			f.Accounts = append(f.Accounts, account(s))
		}
	}
	for _, name := range t.includes {
		if dir, last := path.Split(name); last == "*.conf" && dir != "" {
			f.ManagerDir = path.Join(f.ConfigDir, dir)
			if path.IsAbs(dir) {
				f.ManagerDir = path.Clean(dir)
			}
		}
	}
	f.ManagerEnabled = general.Yes("enabled")
	f.Timestamps = general.Yes("timestampevents")
	f.Address = reachable(general.Get("bindaddr"), general.Get("port"), "5038")
	if general.Yes("tlsenable") {
		f.TLSAddress = reachable(general.Get("tlsbindaddr"), "", "5039")
	}
}

// reachable is the address at which this host reaches a server that listens on
// host, or on host:port.
func reachable(host, port, usual string) string {
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	switch host = strings.Trim(host, "[]"); host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	if port == "" {
		port = usual
	}
	return net.JoinHostPort(host, port)
}

// excess are rights of an AMI user that go beyond watching and ending calls.
var excess = map[string][]string{
	"read":  {"all", "dtmf", "config", "command"},
	"write": {"all", "system", "command", "config", "originate", "agi", "dialplan"},
}

func account(s *conf.Section) AMIAccount {
	a := AMIAccount{Name: s.Name, Read: s.List("read"), Write: s.List("write")}
	for _, right := range a.Read {
		if slices.Contains(excess["read"], strings.ToLower(right)) {
			a.Excess = append(a.Excess, "read="+right)
		}
	}
	for _, right := range a.Write {
		if slices.Contains(excess["write"], strings.ToLower(right)) {
			a.Excess = append(a.Excess, "write="+right)
		}
	}
	return a
}

// realtime notes that endpoints lie in a database, which is not read.
func (t *tree) realtime() {
	const lost = "lie in a database: trunks and phones there are not known"
	for _, s := range t.read("extconfig.conf") {
		for _, table := range []string{"ps_endpoints", "ps_endpoint_id_ips", "sippeers", "iaxpeers"} {
			if !s.Template && s.Get(table) != "" {
				t.problem("/%s/extconfig.conf: %s %s", t.dir, table, lost)
			}
		}
	}
}

// Stanza is the section for manager.conf that lets the guard watch and end
// calls and do nothing else, and the file that it belongs in: one of its own if
// own is true, else one to which it is to be added. AMI that is off is switched
// on by it, for this host alone, but not FreePBX's, which has a switch of its own.
func Stanza(f Found, user, secret string) (text, file string, own bool, err error) {
	if user == "" || strings.ContainsAny(user, "[]();#=, \t"+breaks) {
		return "", "", false, fmt.Errorf("cannot use %q as the name of an AMI user", user)
	}
	if secret == "" || strings.ContainsAny(secret, ";\\\t "+breaks) {
		return "", "", false, fmt.Errorf("cannot use this secret for AMI: it is empty or holds a blank, a semicolon or a backslash")
	}
	if !f.ManagerEnabled && !f.FreePBX {
		text = f.switchOn()
	}
	text += "[" + user + "]\n" +
		"secret = " + secret + "\n" +
		"deny = 0.0.0.0/0.0.0.0\n" +
		"permit = 127.0.0.1/255.255.255.255\n" +
		"read = security,call,system\n" +
		"write = call\n"
	switch {
	case f.FreePBX:
		return text, path.Join(f.ConfigDir, "manager_custom.conf"), false, nil
	case f.ManagerDir != "":
		return text, path.Join(f.ManagerDir, user+".conf"), true, nil
	}
	return text, path.Join(f.ConfigDir, "manager.conf"), false, nil
}

// switchOn is what switches AMI on. Of settings that stand twice in a section
// Asterisk takes the last.
func (f Found) switchOn() string {
	head := "[general]"
	if f.general {
		head += "(+)"
	}
	return head + "\nenabled = yes\nbindaddr = 127.0.0.1\n\n"
}
