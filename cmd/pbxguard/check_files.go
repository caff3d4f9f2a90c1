package main

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"pbxguard/adapters/asterisk"
	"pbxguard/config"
	"pbxguard/control"
)

// checkAccess sees whether the daemon's user may read the PBX's configuration.
func checkAccess(conf config.PBX) control.Check {
	check := control.Check{Name: "pbx " + conf.Name, Result: control.OK, Detail: "configuration in " + conf.ConfigDir}
	if _, err := os.Stat(conf.ConfigDir); err != nil {
		check.Result, check.Detail = control.Warning, "trunks and phones cannot be learnt: "+err.Error()
		check.Fix = `config_dir = "..." under [[pbx]]`
		return check
	}
	u, err := user.Lookup("pbxguard")
	if err != nil {
		return check // not installed as a package: the daemon runs as whoever starts it
	}
	groups, err := u.GroupIds()
	file := "manager.conf"
	if conf.Type == config.FreeSWITCH {
		file = "freeswitch.xml"
	}
	for _, path := range []string{conf.ConfigDir, filepath.Join(conf.ConfigDir, file)} {
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil {
			continue // told by whoever reads it
		}
		st, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
		gid := strconv.Itoa(int(st.Gid))
		if mode&0o004 != 0 || mode&0o040 != 0 && slices.Contains(groups, gid) {
			continue
		}
		check.Result, check.Detail = control.Failed, "the user pbxguard cannot read "+path
		if g, err := user.LookupGroupId(gid); err == nil {
			check.Fix = "adduser pbxguard " + g.Name
		}
	}
	return check
}

// checkRights sees whether the guard's account may do no more than it must: who
// takes the guard over has the account (R6).
func checkRights(conf config.PBX, gate bool) control.Check {
	if conf.Type == config.FreeSWITCH {
		return checkESLRights(conf, gate)
	}
	check := control.Check{Name: "pbx " + conf.Name, Result: control.Skipped, Detail: "the rights of its account are not known"}
	_, found, err := asterisk.DiscoverAt(conf.ConfigDir)
	if err != nil {
		return check
	}
	i := slices.IndexFunc(found.Accounts, func(a asterisk.AMIAccount) bool { return a.Name == conf.Username })
	switch {
	case i < 0:
		check.Result, check.Detail = control.Warning, "there is no account "+conf.Username+" in its configuration"
		check.Fix = "pbxguard setup"
	case len(found.Accounts[i].Excess) > 0:
		check.Result = control.Warning
		check.Detail = "the account " + conf.Username + " may do more than the guard needs: " + strings.Join(found.Accounts[i].Excess, " ")
		check.Fix = "read = security,call,system and write = call in its section, then asterisk -rx 'manager reload'"
	case found.Dangerous:
		check.Result = control.Warning
		check.Detail = "live_dangerously lets the account " + conf.Username + ", and everybody else's, run programs and read files"
		check.Fix = "live_dangerously = no in asterisk.conf, then a restart of Asterisk"
	default:
		check.Result, check.Detail = control.OK, "the account "+conf.Username+" may watch and end calls, and no more"
	}
	return check
}
