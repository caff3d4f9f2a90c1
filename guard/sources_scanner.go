package guard

import (
	"strings"
	"time"
)

// scanners are programs that look for PBXs, as they name themselves in
// User-Agent; from write-ups of honeypots. Who changes the name is found by
// what he does.
var scanners = [...]string{
	"friendly-scanner", "friendly-request", "sipvicious", "sip-scan", "sipsak", "sundayddr", "iwar", "sipcli",
	"vaxsipuseragent", "pplsip", "smap", "svmap", "svwar", "svcrack", "sivus", "gulp", "warvox", "sipptk", "vaxasip",
}

// scannerWeight is how many failed logins one of a scanner counts for.
const scannerWeight = 3

// scans says whether a failed login is that of a program that scans: it says so
// or, where the PBX would tell, says nothing at all.
func scans(c *claim, f fault) bool {
	if c.agent == "" {
		return c.service == modSofia && f == wrongPassword
	}
	agent := strings.ToLower(c.agent)
	for _, name := range scanners {
		if strings.Contains(agent, name) {
			return true
		}
	}
	return false
}

func scanReason(c *claim) string {
	if c.agent == "" {
		return "a failed login of a program that does not say what it is, as scanners do, from " + c.from()
	}
	return "a failed login of " + clip(c.agent) + ", a program that scans, from " + c.from()
}

// managed tells, once an hour, that somebody fails to log in to the manager
// interface from where nobody has.
func (s *sources) managed(c *claim) {
	if c.service != manager || s.managerTold != 0 && s.t-s.managerTold < time.Hour || s.standing(c) == honest {
		return
	}
	s.managerTold = max(s.t, 1)
	s.alert(c, "manager-login", "failed login to the manager interface as "+c.account.Name+" from "+c.from())
}
