package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/audit"
	fsconf "pbxguard/audit/freeswitch"
	"pbxguard/config"
)

// discovered is what a PBX's own configuration says, whatever its kind.
type discovered struct {
	trunks   []trunk
	phones   []string
	problems []string
	astdb    string // where an Asterisk keeps its registrations
}

// trunk is an endpoint that leads outside, and where it leads.
type trunk struct {
	name  string
	hosts []string
}

// discover reads the configuration that a PBX itself has on this host.
func discover(pbx config.PBX) (discovered, error) {
	if pbx.Type == config.FreeSWITCH {
		f, err := readFreeSWITCH("/", pbx.ConfigDir)
		return discovered{trunks: f.trunks, phones: f.phones, problems: f.problems}, err
	}
	root, f, err := asterisk.DiscoverAt(pbx.ConfigDir)
	if err != nil {
		return discovered{}, err
	}
	d := discovered{phones: f.Phones, problems: f.Problems, astdb: filepath.Join(root, f.AstDB)}
	for _, t := range f.Trunks {
		d.trunks = append(d.trunks, trunk{t.Name, t.Hosts})
	}
	return d, nil
}

// seen is what the policy is told of it; the trunks' addresses are looked up later.
func (d *discovered) seen() config.Discovered {
	s := config.Discovered{Phones: d.phones}
	for _, t := range d.trunks {
		s.Trunks = append(s.Trunks, t.name)
	}
	return s
}

// hosts are the names and addresses of all trunks.
func (d *discovered) hosts() (all []string) {
	for _, t := range d.trunks {
		all = append(all, t.hosts...)
	}
	return all
}

// freeSWITCHConf is what a FreeSWITCH's files say.
type freeSWITCHConf struct {
	dir      string
	trunks   []trunk // gateways, and under their own names the profiles that take calls from anybody
	phones   []string
	domains  []string
	users    map[string]fsUser // with an esl-password, as user@domain
	acl      string            // of the event socket
	listen   string            // host:port of the event socket, as seen from its own host
	dynamic  bool              // users come out of a program, as with FusionPBX
	problems []string
}

// fsUser is what a user of the directory may do on the event socket.
type fsUser struct{ events, api, log string }

// freeSWITCHDirs are where a FreeSWITCH's configuration stands.
var freeSWITCHDirs = []string{"/etc/freeswitch", "/usr/local/freeswitch/conf", "/usr/local/etc/freeswitch", "/opt/freeswitch/conf", "/opt/freeswitch/etc/freeswitch"}

// findFreeSWITCH reads the FreeSWITCH whose files lie below root.
func findFreeSWITCH(root string) (freeSWITCHConf, error) {
	for _, dir := range freeSWITCHDirs {
		f, err := readFreeSWITCH(root, dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return freeSWITCHConf{}, fmt.Errorf("no FreeSWITCH below %s: %w", root, fs.ErrNotExist)
}

// readFreeSWITCH reads the configuration in a directory below root.
func readFreeSWITCH(root, dir string) (freeSWITCHConf, error) {
	f := freeSWITCHConf{dir: dir, users: map[string]fsUser{}}
	tree, err := audit.Open(root)
	if err != nil {
		return f, err
	}
	defer tree.Close()
	doc, err := fsconf.Read(tree, dir)
	if err != nil {
		return f, err
	}
	for _, p := range doc.Problems {
		f.problems = append(f.problems, strings.TrimSpace(p.Pos.String()+" "+p.Text))
	}
	conf := doc.Root.Find("section", "name", "configuration")
	f.socket(conf.Find("configuration", "name", "event_socket.conf"))
	f.sofia(conf.Find("configuration", "name", "sofia.conf"))
	for _, domain := range doc.Root.Find("section", "name", "directory").Each("domain") {
		f.domain(domain)
	}
	f.dynamic = conf.Find("configuration", "name", "lua.conf").Child("settings") != nil &&
		setting(conf.Find("configuration", "name", "lua.conf").Child("settings"), "xml-handler-script") != ""
	slices.Sort(f.phones)
	f.phones = slices.Compact(f.phones)
	return f, nil
}

// setting is the last value of a param, "" if it is not known.
func setting(e *fsconf.Element, name string) (value string) {
	for _, p := range e.Each("param") {
		if strings.EqualFold(p.Attr("name"), name) {
			value = p.Attr("value")
		}
	}
	if fsconf.Unknown(value) {
		return ""
	}
	return value
}

func (f *freeSWITCHConf) socket(e *fsconf.Element) {
	s := e.Child("settings")
	host, port := setting(s, "listen-ip"), setting(s, "listen-port")
	if host == "" || host == "::" || host == "0.0.0.0" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "8021"
	}
	f.listen, f.acl = host+":"+port, setting(s, "apply-inbound-acl")
	if strings.Contains(host, ":") {
		f.listen = "[" + host + "]:" + port
	}
}

func (f *freeSWITCHConf) sofia(e *fsconf.Element) {
	for _, profile := range e.Child("profiles").Each("profile") {
		if setting(profile.Child("settings"), "auth-calls") != "true" {
			f.trunks = append(f.trunks, trunk{name: profile.Attr("name")})
		}
		for _, g := range profile.Child("gateways").Each("gateway") {
			t := trunk{name: g.Attr("name")}
			for _, key := range []string{"proxy", "realm", "outbound-proxy"} {
				if host := freeswitch.HostOf(setting(g, key)); host != "" && !slices.Contains(t.hosts, host) {
					t.hosts = append(t.hosts, host)
				}
			}
			if len(t.hosts) == 0 { // its own name is where it is then
				t.hosts = []string{t.name}
			}
			f.trunks = append(f.trunks, t)
		}
	}
}

func (f *freeSWITCHConf) domain(e *fsconf.Element) {
	domain := e.Attr("name")
	if fsconf.Unknown(domain) {
		domain = "" // the host's address, which only the running switch knows
	} else {
		f.domains = append(f.domains, domain)
	}
	var walk func(*fsconf.Element)
	walk = func(e *fsconf.Element) {
		for _, child := range e.Children {
			if child.Name != "user" {
				walk(child)
				continue
			}
			id, p := child.Attr("id"), child.Child("params")
			if setting(p, "esl-password") != "" {
				f.users[id+"@"+domain] = fsUser{setting(p, "esl-allowed-events"), setting(p, "esl-allowed-api"), setting(p, "esl-allowed-log")}
			} else if child.Attr("type") != "pointer" && id != "" {
				f.phones = append(f.phones, id)
			}
		}
	}
	walk(e)
}
