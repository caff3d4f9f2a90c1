package guard

import (
	"fmt"
	"time"
)

// repeatOffender is an account whose calls keep being ended.
var repeatOffender = rule{
	doc: doc{
		id: "repeat", number: "R-092", about: aboutGuard,
		title: "an extension of which several calls were ended within ten minutes",
		why:   "an attack does not stop at the first call that fails",
		set:   setRepeat, normal: Setting{Action: Lock, Max: 2, Within: 10 * time.Minute},
		keys: []Key{maxKey("how many calls may be ended"), withinKey("within what time")},
	},
	when: whenPlaced | whenEnded,
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.costly(a) && s.barOf(a.payer) == nil && a.payer.punished(s.now, l.Set[setRepeat].Within) == l.Set[setRepeat].Max+1
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s had %s ended within %s", a.who(), plural(a.payer.punished(s.now, l.Set[setRepeat].Within), "call", "calls"), short(l.Set[setRepeat].Within))
	},
}

// punish notes that a call of the account was, or would have been, ended.
func (a *account) punish(now time.Time) {
	copy(a.kills[1:], a.kills[:])
	a.kills[0] = now
}

// punished counts the calls that were ended within some time, up to 16.
func (a *account) punished(now time.Time, within time.Duration) (n int) {
	for _, at := range a.kills {
		if !at.IsZero() && now.Sub(at) < within {
			n++
		}
	}
	return n
}

// others are judged elsewhere, but documented and set like the rest.
var others = [...]doc{
	{
		id: "emergency", number: "R-001", star: true,
		body:  []string{"helpCalled"},
		title: "emergency calls, which no rule, lock, cap or ban ever touches",
		why:   "a life; that somebody calls for help is told, so that the house can meet the ambulance",
		set:   setEmergency, normal: Setting{Action: Alert},
	},
	{
		id: "auth", number: "R-044", about: aboutTakeover, star: true, fixed: "ban",
		body:  []string{"excess", "plod", "unknowns", "bareAddress"},
		title: "logins of one address that fail: quickly, slowly over a day, for accounts that do not exist, or at an address instead of the PBX's domain",
		why:   "passwords are guessed at thousands a minute, or once in half an hour",
	},
	{
		id: "spray", number: "R-044", about: aboutTakeover, fixed: "alert",
		body:  []string{"attack"},
		title: "logins of many addresses that fail on one account, at once or slowly",
		why:   "each stays below the limit: only the account sees the attack",
	},
	{
		id: "scanner", number: "R-043", about: aboutTakeover, star: true, fixed: "counts as three failed logins",
		body:  []string{"scans"},
		title: "failed logins of programs that scan, or that do not say what they are",
		why:   "they name themselves; whoever changes the name is found by what he does",
	},
	{
		id: "auth-known", number: "R-045", about: aboutTakeover, fixed: "alert",
		body:  []string{"spare"},
		title: "failed logins of an address that is never banned, or from where others have logged in",
		why:   "an office behind one address must not be cut off for one phone with an old password",
	},
	{
		id: "guessed", number: "R-046", about: aboutTakeover, fixed: "lock",
		body:  []string{"guess"},
		title: "a password that works after several that did not, there, in its network or on that account",
		why:   "that is what guessing looks like when it ends",
	},
	{
		id: "scan", number: "R-050", about: aboutTakeover, fixed: "ban",
		body:  []string{"asked"},
		title: "one address that asks for many accounts",
		why:   "who looks for accounts asks for those of any office: 100 to 999",
	},
	{
		id: "manager-login", number: "R-049", about: aboutTakeover, fixed: "alert",
		body:  []string{"managed"},
		title: "failed logins to the manager interface",
		why:   "nobody but programs of one's own should ever try",
	},
	{
		id: "night-forward", number: "R-048", about: aboutTakeover,
		body:  []string{"nightForward"},
		title: "a forward to a number outside, set within an hour of the first registration at night",
		why:   "the thief comes when nobody is there, and leaves a forward that works without him",
		set:   setNightForward, normal: Setting{Action: Alert},
	},
	{
		id: "pin-guessing", number: "R-066", about: aboutDiversion,
		body:  []string{"pinFailed"},
		title: "PINs of a mailbox or of a service tried by one caller, or on one mailbox",
		why:   "four digits are guessed in a weekend; 500 mailboxes of one owner were",
		set:   setPINs, normal: Setting{Action: Alert, Max: 2},
		keys: []Key{maxKey("how many wrong ones of one caller within an hour; on one mailbox twice as many")},
	},
	{
		id: "machine-silent", number: "R-090", about: aboutGuard, fixed: "alert",
		body:  []string{"watchMachines", "tested"},
		title: "an alarm, a lift or a fax that has not placed its test call",
		why:   "one that has fallen silent calls nobody when it must",
	},
	{
		id: "blind", number: "R-090", about: aboutGuard,
		body:  []string{"watchSites", "watchLag", "missed"},
		title: "times in which the guard did not see a PBX, or not in time",
		why:   "what is not seen is not stopped",
		set:   setBlind, normal: Setting{Action: Alert, Span: 5 * time.Second},
		keys: []Key{spanKey("how long a connection may be lost")},
	},
	{
		id: "pbx-changed", number: "R-091", about: aboutGuard,
		title: "a PBX that starts again or stops telling of logins, an endpoint or a user of its manager interface that nobody knows",
		why:   "restarts and accounts out of nowhere are what is left behind by who gets in",
		body:  []string{"changed", "managerIn", "watchLogins"},
		set:   setChanged, normal: Setting{Action: Alert},
	},
}
