package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pbxguard/adapters/freeswitch"
	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/report"
)

// freeSWITCHUser is the account that setup proposes.
const freeSWITCHUser = "pbxguard"

// runFreeSWITCH prints the user of the directory that the guard needs. It is not
// written: where a user's file belongs differs from one directory to the next.
func (o *setupOrder) runFreeSWITCH(conf *config.Config, pbx config.PBX, f freeSWITCHConf) error {
	if o.write {
		return hinted{errors.New("a FreeSWITCH's user is only printed"), "pbxguard setup, without --write"}
	}
	if pbx.Type != config.FreeSWITCH { // the file speaks of an Asterisk, which is not here
		pbx = config.PBX{Name: "freeswitch", Type: config.FreeSWITCH, Address: "127.0.0.1:8021", ConfigDir: "/etc/freeswitch"}
	}
	o.describeFreeSWITCH(f)
	for name, u := range f.users {
		if strings.HasPrefix(name, freeSWITCHUser+"@") {
			return o.existingUser(pbx, name, u, conf.Gate.Enabled)
		}
	}
	w := o.cli.stdout
	domain := "DOMAIN"
	if len(f.domains) > 0 {
		domain = f.domains[0]
	}
	secret := "(the one in the configuration)"
	if pbx.Secret == "" {
		secret = rand.Text()
		fmt.Fprintf(w, "\nInto %s (mode 0640):\n    %s\n", report.Safe(o.secretFile(pbx)), secret)
	}
	fmt.Fprintf(w, "\nInto %s:\n    [[pbx]]\n    type = \"freeswitch\"\n    username = \"%s@%s\"\n", report.Safe(o.config), freeSWITCHUser, report.Safe(domain))
	if pbx.Address != f.listen {
		fmt.Fprintf(w, "    address = %q\n", report.Safe(f.listen))
	}
	if pbx.ConfigDir != f.dir {
		fmt.Fprintf(w, "    config_dir = %q\n", report.Safe(f.dir))
	}
	if domain == "DOMAIN" {
		fmt.Fprint(w, "where DOMAIN is what this prints:\n    fs_cli -x 'global_getvar domain'\n")
	}
	fmt.Fprintf(w, "\nInto the directory of that domain, such as %s/directory/default/%s.xml:\n%s", report.Safe(f.dir), freeSWITCHUser,
		indent(fmt.Sprintf(freeSWITCHStanza, freeSWITCHUser, rand.Text(), secret, freeswitch.EventsNeeded+" "+freeswitch.PINEvents, apiNeeded(conf.Gate.Enabled, pbx.Forwards))))
	if f.dynamic {
		fmt.Fprint(w, "\nHere a program answers for the directory, as with FusionPBX. If the user is not found, leave\n"+
			"username out and put the event socket's own password into the file instead.\n")
	}
	if f.acl == "" || f.acl == "loopback.auto" {
		fmt.Fprint(w, "\nThe event socket lets in this host alone, which is as it should be.\n")
	} else {
		fmt.Fprintf(w, "\nThe event socket lets in the list %s: 127.0.0.1 must be in it, and nobody who need not be.\n", report.Safe(f.acl))
	}
	fmt.Fprint(w, freeSWITCHInForce)
	return nil
}

// freeSWITCHStanza is a user who can do no more than the guard must. The
// password is there so that nobody can register as this user without one.
const freeSWITCHStanza = `<include>
  <user id="%s">
    <params>
      <param name="password" value="%s"/>
      <param name="esl-password" value="%s"/>
      <param name="esl-allowed-events" value="%s"/>
      <param name="esl-allowed-api" value="%s"/>
      <param name="esl-allowed-log" value="true"/>
    </params>
  </user>
</include>
`

const freeSWITCHInForce = `
Put it in force, which drops no call:
    fs_cli -x reloadxml
    systemctl reload pbxguard
    pbxguard check
`

// apiNeeded are the commands that the guard needs: the gate's heart beats in mod_hash,
// where its dial plan looks for locks, and forwards stand there or in mod_db.
func apiNeeded(gate bool, forwards []string) string {
	needed := freeswitch.APINeeded
	if gate || len(forwards) > 0 {
		needed += " hash hash_dump"
	}
	if slices.ContainsFunc(forwards, func(realm string) bool { return strings.HasPrefix(realm, "db/") }) {
		needed += " db"
	}
	return needed
}

// describeFreeSWITCH tells what was found.
func (o *setupOrder) describeFreeSWITCH(f freeSWITCHConf) {
	var names []string
	for _, t := range f.trunks {
		names = append(names, t.name)
	}
	fmt.Fprintf(o.cli.stdout, "Found FreeSWITCH in %s: %d users, %d gateways and open profiles", report.Safe(f.dir), len(f.phones), len(names))
	if len(names) > 0 {
		fmt.Fprintf(o.cli.stdout, " (%s)", report.Safe(strings.Join(names, ", ")))
	}
	fmt.Fprintf(o.cli.stdout, "\nEvent socket at %s\n", report.Safe(f.listen))
	for _, p := range f.problems {
		o.cli.note("%s", p)
	}
}

// existingUser tells of a user who is there already.
func (o *setupOrder) existingUser(pbx config.PBX, name string, u fsUser, gate bool) error {
	fmt.Fprintf(o.cli.stdout, "\nThe user %s is there already.\n", report.Safe(name))
	lacks, excess := rightsOf(u, gate, pbx.Forwards)
	if len(lacks) > 0 {
		o.cli.note("warning: it may not do what the guard needs: %s", strings.Join(lacks, ", "))
	}
	if len(excess) > 0 {
		o.cli.note("warning: it may do more than the guard needs: %s", strings.Join(excess, ", "))
	}
	if pbx.Secret == "" {
		fmt.Fprintf(o.cli.stdout, "Put its esl-password, on one line, into %s (mode 0640), then: systemctl reload pbxguard\n", report.Safe(o.secretFile(pbx)))
		return errFound
	}
	fmt.Fprint(o.cli.stdout, "Next: pbxguard check\n")
	return nil
}

// rightsOf says what a user lacks of what the guard needs, and what more than
// that it may do.
func rightsOf(u fsUser, gate bool, forwards []string) (lacks, excess []string) {
	for _, r := range []struct{ name, has, needs string }{
		{"esl-allowed-events", u.events, freeswitch.EventsNeeded}, {"esl-allowed-api", u.api, apiNeeded(gate, forwards)},
	} {
		has, needs := strings.Fields(strings.ToLower(r.has)), strings.Fields(strings.ToLower(r.needs))
		if len(has) == 0 || slices.Contains(has, "all") {
			excess = append(excess, r.name+" all")
			continue
		}
		for _, n := range needs {
			if !slices.Contains(has, n) {
				lacks = append(lacks, r.name+" "+n)
			}
		}
		for _, h := range has {
			if r.name == "esl-allowed-api" && !slices.Contains(needs, h) {
				excess = append(excess, r.name+" "+h)
			}
		}
	}
	if u.log != "true" {
		lacks = append(lacks, "esl-allowed-log true")
	}
	return lacks, excess
}

// checkESLRights sees whether the guard's user may do what it must and no more (R6).
func checkESLRights(conf config.PBX, gate bool) control.Check {
	check := control.Check{Name: "pbx " + conf.Name, Result: control.Skipped, Detail: "the rights of its user are not known"}
	if conf.Username == "" {
		check.Result, check.Fix = control.Warning, "pbxguard setup"
		check.Detail = "the guard has the event socket's own password, which may do everything; a user of the directory may do less"
		return check
	}
	f, err := readFreeSWITCH("/", conf.ConfigDir)
	if err != nil {
		return check
	}
	u, known := f.users[conf.Username]
	if !known {
		u, known = f.users[conf.Username[:strings.IndexByte(conf.Username, '@')+1]] // of the host's own domain
	}
	if !known {
		return check
	}
	switch lacks, excess := rightsOf(u, gate, conf.Forwards); {
	case len(lacks) > 0:
		check.Result, check.Detail = control.Failed, "the user "+conf.Username+" may not do what the guard needs: "+strings.Join(lacks, ", ")
	case len(excess) > 0:
		check.Result, check.Detail = control.Warning, "the user "+conf.Username+" may do more than the guard needs: "+strings.Join(excess, ", ")
	default:
		check.Result, check.Detail = control.OK, "the user "+conf.Username+" may watch and end calls, and no more"
		return check
	}
	check.Fix = "pbxguard setup, which prints what it needs, then fs_cli -x reloadxml"
	return check
}
