package audit

import (
	"slices"
	"strings"
	"time"
)

// A Role says what somebody holds at a PBX.
type Role string

const (
	Extension     Role = "extension"
	Mailbox       Role = "mailbox"
	Administrator Role = "administrator"
	Program       Role = "program" // that logs in by itself, and leaves no trace of it
	Member        Role = "member"  // of a queue or a ring group
	Trunk         Role = "trunk"
)

// Held is something at a PBX that somebody uses, and that is left over when
// nobody does.
type Held struct {
	Role         Role
	Name, Domain string
	Object       string // for people, as "extension 100"
	At           string
	Secret       string   // "" if it has none, or none that can be read
	People       []string // names and addresses of whose it is
	// Logins tells that it is known when an administrator logged in, and Login
	// when he last did; zero: never, as far back as LoginsSince.
	Logins             bool
	Login, LoginsSince time.Time
}

// A Forward is one that is set in the PBX.
type Forward struct {
	Account, Domain string
	Key, How        string // as "CF/100", "always"
	Number          string
	At              string
}

// Calls is what a PBX's own records tell: when somebody last called or was
// called.
type Calls struct {
	Since time.Time            // they reach back to then; zero: there are none
	Last  map[string]time.Time // by the name of an extension or a trunk
	From  string
	// Trunks tells that they name the trunk of a call too.
	Trunks bool
}

// An Inventory is a PBX that can list who may use it.
type Inventory interface {
	Sources
	Site() *Site
	Held() []Held
	Forwards() []Forward
	Calls() Calls
	// Outside judges where a number leads that is dialled by itself.
	Outside(number string) Reach
}

// InventoryNeeds names the sources of a PBX that checks of its inventory need:
// those of its extensions, of all that is held, of its trunks, of its calls, and
// of its administrators. What it has none of is "", and its checks are left out.
type InventoryNeeds struct{ Extensions, All, Trunks, Calls, Administrators string }

// Days after which something counts as unused, or a secret as old (S004).
const (
	staleDays   = 60
	warnDays    = 30
	silentDays  = 90
	secretDays  = 365
	loginDays   = 90
	mailboxDays = 60
)

// InventoryRules are the checks of who may use a PBX: what is unused, unknown or
// left over, of whatever sort the PBX is.
func InventoryRules[M Inventory](n InventoryNeeds) []Rule[M] {
	var all []Rule[M]
	add := func(id string, s Severity, needs, title, why, fix string, find func(Inventory, *Result)) {
		first, _, _ := strings.Cut(needs, " ")
		if first == "" {
			return
		}
		all = append(all, Rule[M]{
			Check: Check{ID: id, Severity: s, Needs: strings.Fields(needs), Title: title, Why: why, Fix: fix, Ref: "S004"},
			About: first,
			Find:  func(m M, r *Result) { find(m, r) },
		})
	}
	add("STALE-001", Medium, n.Extensions, "An extension is not used",
		"Nobody notices what is done with it.", "Ask whose it is, then delete it.", unusedExtensions)
	add("STALE-004", High, n.All, "Somebody who left still has an account",
		"Leavers know passwords, and robots find accounts that nobody looks after.",
		"Delete the extension, its mailbox and its forwards on the last day.", leavers)
	add("STALE-005", Medium, n.All, "An account is not on the list of those that should be",
		"Attackers make an account of their own and hope that nobody counts.",
		"Ask who made it, and delete it or add it to the list.", unlisted)
	add("STALE-006", Low, n.Extensions+" "+n.Calls, "An extension has had no call for three months",
		"What nobody needs is only there for attackers.",
		"Delete it; for a door, alarm, fax or lift phone write a suppression with its owner's name.", silentExtensions)
	add("STALE-008", Medium, n.Trunks+" "+n.Calls, "A trunk has had no call for three months",
		"The login of an old provider still buys calls on your account.",
		"Ask the provider whether the contract has ended, then delete the trunk.", silentTrunks)
	add("STALE-009", High, n.Extensions, "An extension is new since the last run",
		"Attackers who got in make an account of their own.", "Ask who made it; run the audit again to take it as known.", newExtensions)
	add("PW-009", Medium, n.All, "A secret is old, or known to somebody who left",
		"Whoever ever knew it, or stole it, still does.",
		"Change it at least once a year, and on the day when somebody who knew it leaves.", oldSecrets)
	add("FWD-007", Medium, n.Extensions, "A phone forwards by itself",
		"A phone that answers 302 forwards without the PBX's knowledge; attackers set that on its web page.",
		"Clear it on the phone and close its web page. On Asterisk give Dial the option i; on FreeSWITCH set manual-redirect in the profile.", phoneForwards)
	add("STALE-007", Medium, n.Administrators, "An administrator has not logged in for three months",
		"The login of somebody who no longer needs it is one more that can be stolen, and nobody misses it.",
		"Ask whose it is, then delete it.", idleAdministrators)
	return all
}

// held returns those of a role.
func held(m Inventory, roles ...Role) []Held {
	return slices.DeleteFunc(slices.Clone(m.Held()), func(h Held) bool { return !slices.Contains(roles, h.Role) })
}

// days is how long ago a time was, in whole days.
func days(now, then time.Time) int { return int(now.Sub(then).Hours() / 24) }

// watched returns the guard's history, if there is one of at least n days.
func watched(m Inventory, r *Result, n int) (*History, bool) {
	h := m.Site().History
	if h == nil {
		r.Incomplete("", "", "the guard has no history here")
		return nil, false
	}
	if d := days(m.Site().Now, h.Since); d < n {
		r.Incomplete("", "", "the guard watches for %d days only", d)
		return h, false
	}
	return h, true
}

func unusedExtensions(m Inventory, r *Result) {
	h, ok := watched(m, r, staleDays)
	if !ok {
		return
	}
	now := m.Site().Now
	for _, a := range held(m, Extension) {
		last := h.Seen(a.Name, a.Domain).Last()
		switch d := days(now, last); {
		case last.IsZero():
			r.Fail(a.Object, a.At, "it never registered or called since %s", h.Since.Format(time.DateOnly))
		case d >= staleDays:
			r.Fail(a.Object, a.At, "it last registered or called %d days ago", d)
		case d >= warnDays:
			r.FailAs(Low, a.Object, a.At, "it last registered or called %d days ago", d)
		}
	}
}

// listed is how lists of people name something: by its name, and where tenants
// share names also by that with its domain.
func (a *Held) listed() []string {
	if a.Role == Administrator {
		return []string{"admin:" + a.Name}
	}
	return []string{Key(a.Name, a.Domain), a.Name}
}

// leftOn finds whose it is on the list of leavers: by number, or by the name or
// address of its owner.
func (a *Held) leftOn(s *Site) (day time.Time, gone bool) {
	on := false
	for who, d := range s.Leavers {
		its := slices.Contains(a.listed(), who) || slices.ContainsFunc(a.People, func(p string) bool { return p != "" && strings.EqualFold(p, who) })
		if its && (!on || d.Before(day)) {
			day, on = d, true
		}
	}
	return day, on && s.Now.After(day.AddDate(0, 0, 1))
}

// leavers holds what there is against the list of those who left.
func leavers(m Inventory, r *Result) {
	s := m.Site()
	if s.Leavers == nil {
		r.Moot("no list of leavers was given")
		return
	}
	for _, a := range m.Held() {
		day, gone := a.leftOn(s)
		if !gone || a.Role == Trunk {
			continue
		}
		severity, after := High, ""
		if s.History != nil && a.Role == Extension && s.History.Seen(a.Name, a.Domain).Registered.After(day.AddDate(0, 0, 1)) {
			severity, after = Critical, ", and it registered after that"
		}
		r.FailAs(severity, a.Object, a.At, "its owner left on %s%s", day.Format(time.DateOnly), after)
	}
	for _, f := range m.Forwards() {
		if day, gone := (&Held{Name: f.Account}).leftOn(s); gone {
			r.Fail("forward "+f.Key, f.At, "its owner left on %s", day.Format(time.DateOnly))
		}
	}
}

// unlisted holds the accounts against the list of those that should be.
// Administrators count only if the list names any.
func unlisted(m Inventory, r *Result) {
	active := m.Site().Active
	if active == nil {
		r.Moot("no list of accounts was given")
		return
	}
	admins := false
	for name := range active {
		admins = admins || strings.HasPrefix(name, "admin:")
	}
	for _, a := range held(m, Extension, Administrator) {
		on := slices.ContainsFunc(a.listed(), func(name string) bool { return active[name] })
		if !on && (admins || a.Role == Extension) {
			r.Fail(a.Object, a.At, "it is not on the list")
		}
	}
}

// silence tells when something last had a call. known is false if neither the
// PBX's records nor the guard tell for long enough; what the guard saw are
// calls out alone.
func silence(m Inventory, a *Held) (last time.Time, known bool) {
	s, c := m.Site(), m.Calls()
	last = c.Last[a.Name]
	if h := s.History; h != nil && a.Role == Trunk {
		last = later(last, h.Trunks[Key(a.Name, a.Domain)])
	} else if h != nil {
		last = later(last, h.Seen(a.Name, a.Domain).Called)
	}
	return last, !c.Since.IsZero() && days(s.Now, c.Since) >= silentDays && (a.Role != Trunk || c.Trunks)
}

// silent reports what has had no call.
func silent(m Inventory, r *Result, role Role) {
	var unknown []string
	for _, a := range held(m, role) {
		last, known := silence(m, &a)
		switch d := days(m.Site().Now, last); {
		case !last.IsZero() && d < silentDays:
		case !known:
			unknown = append(unknown, a.Name)
		case last.IsZero():
			r.Fail(a.Object, a.At, "no call since %s, where %s begins", m.Calls().Since.Format(time.DateOnly), m.Calls().From)
		default:
			r.Fail(a.Object, a.At, "its last call was %d days ago", d)
		}
	}
	if len(unknown) > 0 {
		r.Incomplete("", "", "no call records of %d days can be read, and the guard saw no call out of: %s", silentDays, few(unknown))
	}
}

func silentExtensions(m Inventory, r *Result) { silent(m, r, Extension) }

func silentTrunks(m Inventory, r *Result) { silent(m, r, Trunk) }

// few names at most eight.
func few(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func idleAdministrators(m Inventory, r *Result) {
	now := m.Site().Now
	var unknown []string
	for _, a := range held(m, Administrator) {
		switch {
		case !a.Logins || a.Login.IsZero() && !a.LoginsSince.IsZero() && days(now, a.LoginsSince) < loginDays:
			unknown = append(unknown, a.Name)
		case a.Login.IsZero() && a.LoginsSince.IsZero():
			r.Fail(a.Object, a.At, "it has never logged in")
		case a.Login.IsZero():
			r.Fail(a.Object, a.At, "no login since %s", a.LoginsSince.Format(time.DateOnly))
		case days(now, a.Login) >= loginDays:
			r.Fail(a.Object, a.At, "its last login was %d days ago", days(now, a.Login))
		}
	}
	if len(unknown) > 0 {
		r.Incomplete("", "", "when these last logged in is kept nowhere, or not for %d days: %s", loginDays, few(unknown))
	}
}

func newExtensions(m Inventory, r *Result) {
	if m.Site().Memory == nil {
		r.Incomplete("", "", "no earlier run is remembered to compare with")
		return
	}
	for _, a := range held(m, Extension) {
		if known, _ := m.Site().Memory.Note("account:"+Key(a.Name, a.Domain), nil); !known {
			r.Fail(a.Object, a.At, "it was not there in the last run")
		}
	}
}

// oldSecrets looks for secrets that have not changed since a leaver knew them,
// or for a year, as far as earlier runs tell.
func oldSecrets(m Inventory, r *Result) {
	s := m.Site()
	if s.Memory == nil {
		r.Incomplete("", "", "no earlier run is remembered to compare with")
		return
	}
	young := 0
	for _, a := range m.Held() {
		if a.Secret == "" || a.Role == Mailbox {
			continue
		}
		name := "secret:" + string(a.Role) + ":" + Key(a.Name, a.Domain)
		s.Memory.Note(name, []byte(a.Secret))
		since := s.Memory.SinceWhen(name)
		if who, day := s.knew(&a, since); who != "" {
			r.Fail(a.Object, a.At, "its secret is the one of %s at least, and %s, who knew it, left on %s",
				since.Format(time.DateOnly), who, day.Format(time.DateOnly))
			continue
		}
		switch d := days(s.Now, since); {
		case d >= secretDays:
			r.Fail(a.Object, a.At, "its secret has not changed for %d days", d)
		case !since.After(s.Memory.first()):
			young++
		}
	}
	if young > 0 {
		r.Incomplete("", "", "earlier runs reach back %d days only; the secrets of %d accounts may be older", days(s.Now, s.Memory.first()), young)
	}
}

// knew names a leaver who knew a secret that is what it was before he left: its
// owner, or somebody who administered the PBX.
func (s *Site) knew(a *Held, since time.Time) (who string, day time.Time) {
	for name, left := range s.Leavers {
		after := left.AddDate(0, 0, 1)
		admin := strings.HasPrefix(name, "admin:")
		if !admin && !slices.Contains(a.listed(), name) || !s.Now.After(after) || !since.Before(after) || who != "" && left.Before(day) {
			continue
		}
		if who, day = "its owner", left; admin {
			who = "an administrator"
		}
	}
	return who, day
}

// phoneForwards lists what the guard saw phones send on by 302, judged by where
// it went. What the PBX itself forwards is not theirs.
func phoneForwards(m Inventory, r *Result) {
	s := m.Site()
	if s.History == nil {
		r.Incomplete("", "", "the guard has no history here: only calls show such forwards")
		return
	}
	set := map[string]bool{}
	for _, f := range m.Forwards() {
		set[f.Account] = true
	}
	for _, f := range s.History.Forwards {
		if set[f.Account] {
			continue
		}
		if to := m.Outside(f.Number); to.Rule != "" {
			r.FailAs(to.Severity, "extension "+Key(f.Account, f.Domain), "", "it sent a call on to %s (%s), last on %s", to.What, to.Rule, f.Last.Format(time.DateOnly))
		}
	}
}
