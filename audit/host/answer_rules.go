package host

import (
	"strings"
	"time"

	"pbxguard/audit"
)

func backups(m *model, r *audit.Result) {
	m.ask(r, "backup_off_host", "there is no copy of the configuration off the host")
	when, known := m.answerDate("backup_restored")
	switch {
	case m.answers == nil:
	case !known:
		r.Incomplete("backup_restored", answersFile, "nobody has said when a backup was last restored")
	case m.site.Now.Sub(when) > 366*24*time.Hour:
		r.Fail("backup_restored", answersFile, "a backup was last restored on %s", when.Format(time.DateOnly))
	}
}

func networks(m *model, r *audit.Result) {
	m.ask(r, "phones_own_network", "phones and computers are in one network")
}

func provider(m *model, r *audit.Result) {
	m.ask(r, "spend_limit", "the provider sets no daily limit")
	m.ask(r, "international_block", "the provider blocks no countries")
	m.ask(r, "liability_known", "nobody knows who pays for fraud")
	m.ask(r, "incident_contacts", "there is no list of whom to call")
	m.ask(r, "insurance", "fraud is not insured")
}

// ask reports an answer that is no, and one that is not given.
func (m *model) ask(r *audit.Result, key, no string) {
	if m.answers == nil {
		return
	}
	switch yes, known := m.answer(key); {
	case !known:
		r.Incomplete(key, answersFile, "nobody has answered")
	case !yes:
		r.Fail(key, answersFile, "%s", no)
	}
}

// staleData is the age at which the list of versions is too old to rely on.
const staleData = 90 * 24 * time.Hour

func versions(m *model, r *audit.Result) {
	if m.data == nil {
		return
	}
	asOf, err := time.Parse(time.DateOnly, m.data.AsOf)
	if err != nil {
		r.Incomplete("data", "", "the date of the list of versions can't be read: %v", err)
	} else if m.site.Now.Sub(asOf) > staleData {
		r.Incomplete("data", "", "the list of versions is of %s; what came after is not known", m.data.AsOf)
	}
	for _, product := range []string{"asterisk", "freeswitch"} {
		version := m.site.Facts[product+".version"]
		if version == "" {
			version = m.pkgs[product]
		}
		if version != "" {
			m.version(r, product, version)
		}
	}
	if len(m.pkgs) == 0 && m.site.Facts["asterisk.version"] == "" && m.site.Facts["freeswitch.version"] == "" {
		r.NotApplicable("no PBX is installed as a package, and no version was told")
	}
}

func (m *model) version(r *audit.Result, product, version string) {
	v := numbers(version)
	list := m.data.Products[product]
	object := product + " " + version
	if len(v) == 0 || list == nil {
		r.Incomplete(object, "", "the version can't be understood")
		return
	}
	patched := ""
	if strings.ContainsAny(version, "-~+") && !strings.HasSuffix(version, "-release") {
		patched = "; the distribution may have put the fix into it"
	}
	known := len(list.Branches) == 0
	for _, b := range list.Branches {
		if n := numbers(b.Name); n[0] != v[0] {
			continue
		}
		known = true
		if eol, err := time.Parse(time.DateOnly, b.EOL); err == nil && m.site.Now.After(eol) {
			r.Fail(object, "", "branch %s has had no fixes since %s (data of %s)", b.Name, b.EOL, m.data.AsOf)
		}
	}
	if !known {
		r.Incomplete(object, "", "it is newer than the data of %s, or a branch that is not in it", m.data.AsOf)
	}
	for _, a := range list.Advisories {
		if a.hits(v) {
			r.FailAs(a.Severity, object, "", "%s: %s; fixed in %s (data of %s)%s", a.ID, a.Title, strings.Join(a.Fixed, ", "), m.data.AsOf, patched)
		}
	}
}
