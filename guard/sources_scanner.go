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

func scanner(agent string) bool {
	if agent == "" {
		return false
	}
	agent = strings.ToLower(agent)
	for _, name := range scanners {
		if strings.Contains(agent, name) {
			return true
		}
	}
	return false
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
