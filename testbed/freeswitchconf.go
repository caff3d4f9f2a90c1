package testbed

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"pbxguard/adapters/freeswitch"
)

// The phones which both kinds of server have.
const firstPhone, lastPhone = 100, 123

// configure makes the instance's folders and writes its configuration: a copy
// of the installed vanilla one, changed where it would leave the machine, take
// long or collide, then the files of freeswitch/, then the test's own.
func (f *FreeSWITCH) configure(files map[string]string) error {
	vanilla, err := f.vanilla()
	if err != nil {
		return err
	}
	if err := os.CopyFS(f.Conf(), os.DirFS(vanilla)); err != nil {
		return err
	}
	for _, name := range []string{"db", "log", "run", "tmp", "tls"} {
		if err := os.Mkdir(filepath.Join(f.Root, name), 0o755); err != nil {
			return err
		}
	}
	for _, step := range []func() error{f.adapt, f.addGuarded, f.addOwn, f.addUsers} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := f.put(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// vanilla finds the installed configuration where packages and make put it.
func (f *FreeSWITCH) vanilla() (string, error) {
	for _, dir := range []string{"etc/freeswitch", "conf", "conf/vanilla", "share/freeswitch/conf/vanilla"} {
		path := filepath.Join(f.prefix, dir)
		if _, err := os.Stat(filepath.Join(path, "vars.xml")); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no vars.xml in etc/freeswitch, conf or share/freeswitch/conf/vanilla of %s", f.prefix)
}

// change is one setting of vanilla that a test cannot live with.
type change struct{ file, name, value string }

// adapt changes the vanilla configuration.
func (f *FreeSWITCH) adapt() error {
	port := func(a fmt.Stringer) string { s := a.String(); return s[strings.LastIndexByte(s, ':')+1:] }
	for _, c := range []change{
		{"vars.xml", "default_password", "Kp7-vanilla-wq"},   // with 1234 every call waits 10 s
		{"vars.xml", "external_rtp_ip", serverAddr.String()}, // not by STUN
		{"vars.xml", "external_sip_ip", serverAddr.String()},
		{"vars.xml", "global_codec_prefs", "PCMU,PCMA"},
		{"vars.xml", "outbound_codec_prefs", "PCMU,PCMA"},
		{"vars.xml", "internal_sip_port", port(f.SIP)},
		{"vars.xml", "external_sip_port", port(f.External)},
		{"autoload_configs/event_socket.conf.xml", "listen-ip", "127.0.0.1"},
		{"autoload_configs/event_socket.conf.xml", "listen-port", f.ESL[strings.LastIndexByte(f.ESL, ':')+1:]},
		{"autoload_configs/event_socket.conf.xml", "password", ESLPassword},
		{"autoload_configs/switch.conf.xml", "sessions-per-second", "1000"},
		// Several domains, and several servers on one machine.
		{"sip_profiles/internal.xml", "force-register-domain", ""},
		{"sip_profiles/internal.xml", "force-subscription-domain", ""},
		{"sip_profiles/internal.xml", "force-register-db-domain", ""},
		{"sip_profiles/internal.xml", "ws-binding", ""},
		{"sip_profiles/internal.xml", "wss-binding", ""},
	} {
		if err := f.change(c); err != nil {
			return err
		}
	}
	// One demonstration takes all calls to 101; another lets phones from
	// 192.0.2.0/24 call without a password, as the user brian.
	for _, name := range []string{"dialplan/default/00_ladspa.xml", "directory/default/brian.xml"} {
		if err := os.RemoveAll(filepath.Join(f.Conf(), name)); err != nil {
			return err
		}
	}
	// The server guesses its own address, which no route leads to here.
	return f.edit("vars.xml", func(text string) (string, error) {
		own := "<include>\n" +
			`  <X-PRE-PROCESS cmd="set" data="local_ip_v4=` + serverAddr.String() + `"/>` + "\n" +
			`  <X-PRE-PROCESS cmd="set" data="local_ip_v6=` + serverAddr6.String() + `"/>` + "\n"
		if !strings.Contains(text, "<include>\n") {
			return "", fmt.Errorf("no <include> in vars.xml")
		}
		text = strings.ReplaceAll(text, `cmd="stun-set"`, `cmd="set"`)
		return strings.Replace(text, "<include>\n", own, 1), nil
	})
}

// change gives a variable or parameter another value; without a value it takes
// the parameter away.
func (f *FreeSWITCH) change(c change) error {
	return f.edit(c.file, func(text string) (string, error) {
		pattern := `(?m)^(\s*<param name="` + c.name + `"\s+value=")[^"]*("/>)`
		if c.file == "vars.xml" {
			pattern = `(?m)^(\s*<X-PRE-PROCESS cmd="[a-z-]+" data="` + c.name + `=)[^"]*("/>)`
		}
		re := regexp.MustCompile(pattern)
		if !re.MatchString(text) {
			return "", fmt.Errorf("no %s in %s", c.name, c.file)
		}
		if c.value == "" {
			return re.ReplaceAllString(text, ""), nil
		}
		return re.ReplaceAllString(text, "${1}"+c.value+"${2}"), nil
	})
}

// edit rewrites a file of the configuration.
func (f *FreeSWITCH) edit(name string, change func(string) (string, error)) error {
	text, err := os.ReadFile(filepath.Join(f.Conf(), name))
	if err != nil {
		return err
	}
	changed, err := change(string(text))
	if err != nil {
		return err
	}
	return f.put(name, changed)
}

// put writes a file of the configuration.
func (f *FreeSWITCH) put(name, text string) error {
	path := filepath.Join(f.Conf(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// addGuarded adds the profile which knows its clients by their address.
func (f *FreeSWITCH) addGuarded() error {
	text, err := os.ReadFile(filepath.Join(f.Conf(), "sip_profiles/internal.xml"))
	if err != nil {
		return err
	}
	if err := f.put("sip_profiles/guarded.xml", strings.Replace(string(text), `name="internal"`, `name="guarded"`, 1)); err != nil {
		return err
	}
	for _, c := range []change{
		{"sip_profiles/guarded.xml", "sip-port", fmt.Sprint(f.Guarded.Port())},
		{"sip_profiles/guarded.xml", "apply-inbound-acl", "trusted"},
		{"sip_profiles/guarded.xml", "auth-calls", `false"/><param name="apply-register-acl" value="trusted`},
		{"sip_profiles/guarded.xml", "log-auth-failures", "true"},
	} {
		if err := f.change(c); err != nil {
			return err
		}
	}
	return f.edit("sip_profiles/guarded.xml", func(text string) (string, error) {
		// The domains' alias belongs to the profile internal.
		return strings.ReplaceAll(text, `<domain name="all" alias="true" parse="false"/>`, ""), nil
	})
}

// addOwn copies the files of freeswitch/ and the list of trusted addresses.
func (f *FreeSWITCH) addOwn() error {
	dir, err := file("freeswitch")
	if err != nil {
		return err
	}
	for _, name := range []string{
		"autoload_configs/modules.conf.xml", "dialplan/default/00_testbed.xml", "dialplan/default/99_testbed_outbound.xml", "dialplan/public/00_testbed.xml", "sip_profiles/external/trunk.xml",
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := f.put(name, strings.ReplaceAll(string(text), "@TRUNK@", f.Trunk.String())); err != nil {
			return err
		}
	}
	return f.edit("autoload_configs/acl.conf.xml", func(text string) (string, error) {
		return strings.Replace(text, "</network-lists>",
			`<list name="trusted" default="deny"><node type="allow" cidr="198.51.100.5/32"/></list></network-lists>`, 1), nil
	})
}

// addUsers adds the phones, those of the tenant, and the guard's account.
func (f *FreeSWITCH) addUsers() error {
	var own, tenant strings.Builder
	for n := firstPhone; n <= lastPhone; n++ {
		phone := fmt.Sprint(n)
		acl := ""
		if n == 118 {
			acl = `<param name="auth-acl" value="198.51.100.5/32"/>`
		}
		user := fmt.Sprintf(`  <user id=%q><params><param name="password" value=%q/>%s</params>`+
			`<variables><variable name="user_context" value="default"/><variable name="accountcode" value=%[1]q/></variables></user>`+"\n",
			phone, Password(phone), acl)
		own.WriteString(user)
		if n < firstPhone+4 {
			tenant.WriteString(user)
		}
	}
	own.WriteString(guardUser)
	// The preprocessor drops every line which has an <include> or its end.
	const domain = "<include>\n" + `<domain name=%q><params>` +
		`<param name="dial-string" value="{^^:sip_invite_domain=${dialed_domain}}${sofia_contact(*/${dialed_user}@${dialed_domain})}"/>` +
		`</params><groups><group name="all"><users>%s</users></group></groups></domain>` + "\n</include>\n"
	if err := f.put("directory/tenant.xml", fmt.Sprintf(domain, Tenant, tenant.String())); err != nil {
		return err
	}
	return f.put("directory/default/testbed.xml", "<include>\n"+own.String()+"</include>\n")
}

// guardUser is the account of a guard, with the least that it and its gate need.
const guardUser = `  <user id="pbxguard"><params>` +
	`<param name="esl-password" value="guard-secret"/>` +
	`<param name="esl-allowed-events" value="` + freeswitch.EventsNeeded + ` ` + freeswitch.PINEvents + `"/>` +
	`<param name="esl-allowed-api" value="` + freeswitch.APINeeded + ` hash hash_dump db"/>` +
	`<param name="esl-allowed-log" value="true"/>` +
	`</params></user>
`
