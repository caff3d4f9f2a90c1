package guard

import (
	"net/netip"
	"regexp"
	"time"

	"pbxguard/numbering"
)

// Policy is what the administrator wants. It is never modified after it has
// been handed to an [Engine]; a reload hands over another one.
type Policy struct {
	CallsMode Mode
	BansMode  Mode
	PBXs      map[string]*Site // by PBX name
	Groups    []Group          // the first that matches an account is its group
	Default   Limits           // for accounts that no group matches
	Bans      BanPolicy
	Gate      GatePolicy
	// HangupCause is the Q.850 cause given to a killed call; 21 is "call rejected".
	HangupCause int
	// Lock is how long a lock lasts that a rule made.
	LockFor time.Duration
	// Numbers is how many numbers are remembered as they were understood; 0 is
	// what a live PBX needs. A replay of years meets more.
	Numbers int
	// Learn is how long a PBX must have been watched before what is usual there
	// counts: until then rules that go by habits only alert, and afterwards what
	// is usual is spared by rules that would end it by a number alone. 0: rules
	// act as they are set, whatever is usual.
	Learn  time.Duration
	Tariff Tariff // nil: money is not counted
	Lists  Lists  // nil: there are none
	Atlas  Atlas  // nil: nobody knows where addresses are
}

// Site is what the guard must know of one PBX to read its numbers and clocks.
type Site struct {
	Plan      *numbering.Plan // how its phones dial
	TrunkPlan *numbering.Plan // what its trunks are sent, unless TrunkPlans says
	// TrunkPlans are plans of single trunks, by endpoint name.
	TrunkPlans map[string]*numbering.Plan
	Trunks     *regexp.Regexp // endpoints that are trunks; nil: none are known
	Phones     *regexp.Regexp // endpoints that are extensions beyond the plan's own; nil: none
	Zone       *time.Location // for office hours; nil: UTC
	Closed     func(day time.Time) (holiday string, closed bool)
	// Own matches the numbers that belong to the site, in E.164 with the +; nil:
	// they are not known, and rules about caller ids leave them alone.
	Own *regexp.Regexp
	// DialThrough matches numbers of ours, as trunks send them or as they stand
	// in the dial plan, from which callers may go out again; nil: none.
	DialThrough *regexp.Regexp
	// Services matches the internal numbers of voicemail, DISA and the like.
	Services *regexp.Regexp
	// Foreign matches trunks on which calls from abroad arrive; nil: none do alone.
	Foreign *regexp.Regexp
}

// Group gives some accounts their own limits.
type Group struct {
	Name     string
	Accounts *regexp.Regexp // matched against Account.Name, anchored by its maker
	Limits   Limits
}

// Limits are the settings of all rules for one group. The zero value of each
// setting switches its rule off.
type Limits struct {
	Group string // the group's name, for reasons

	Role Role // "": somebody at a desk
	// Reaches are the numbers that a machine calls, in E.164; nil: any.
	Reaches *regexp.Regexp
	// TestCall is how often a machine calls at least; 0: nobody knows.
	TestCall time.Duration

	// Class says what happens to a call by where it goes; see [numbering.Class].
	Class map[numbering.Class]Action
	// Countries may be called; others get CountryAction. ISO 3166 alpha-2.
	Countries     map[string]bool
	CountryAction Action

	// Hours, Weekend and Holiday are about international calls outside office hours.
	Hours   HoursLimit
	Weekend Action
	Holiday Action

	Concurrent        CountLimit // calls at once per account
	ConcurrentCountry CountLimit // calls at once to one foreign country, over all accounts of a PBX
	Attempts          CountLimit // call attempts per account in a minute
	Sequential        CountLimit // numbers dialled one after the other that differ only in their last digits
	Duration          SpanLimit  // length of one call, while it is up
	MinutesHour       SpanLimit  // talk time per account in the last 60 minutes
	MinutesDay        SpanLimit  // talk time per account since midnight in the PBX's zone
	Set               Settings   // of all other rules
	// Enforced overrides CallsMode for single rules, by rule id.
	Enforced map[string]Mode
}

// CountLimit acts when more than Max are counted. Max 0 with an action means none at all.
type CountLimit struct {
	Max    int
	Action Action
}

// SpanLimit acts when Max is passed.
type SpanLimit struct {
	Max    time.Duration
	Action Action
}

// HoursLimit is the office's day: From and To are times since midnight; a To
// before From passes midnight. Outside it Action applies.
type HoursLimit struct {
	From, To time.Duration
	Action   Action
}

// BanPolicy says when an address is banned.
type BanPolicy struct {
	// Failures is how many distinct failures within Window earn a ban.
	Failures int
	Window   time.Duration
	// Hourly and Daily are how many earn one within an hour and a day, Unknown how
	// many on accounts that do not exist within two minutes, and Account how many
	// of several addresses within an hour are told of one account. 0: any number.
	Hourly, Daily, Unknown, Account int
	// Scan is how many accounts an address may ask for without ever answering.
	Scan int
	// Ladder is the length of the first ban, the second and so on, for proven
	// addresses; the last step repeats.
	Ladder []time.Duration
	// Unproven is the longest ban of an address whose path is unproven, and
	// Budget how many such bans may be made in a minute.
	Unproven time.Duration
	Budget   int
	// Learn is one registration interval: until PBXs have been watched this
	// long, an address with any success behind it is not banned.
	Learn time.Duration
	// Trust is how long a success keeps an address from being banned.
	Trust time.Duration
	// Spray is how many sources may fail against one account within Window
	// before the account is reported as under attack.
	Spray int
	// Max is how many bans may stand at once.
	Max int
	// Sources is how many addresses are tracked exactly.
	Sources int
	// Never are prefixes that are never banned: the allow list, trunks and
	// gateways. Loopback is always among them.
	Never []netip.Prefix
	// Action of the rules, by id ("auth", "scan", ...); missing: Kill, which for an address is a ban.
	Actions map[string]Action
}

// DefaultBans are the values that the shipped configuration documents.
func DefaultBans() BanPolicy {
	return BanPolicy{
		Failures: 5, Window: 10 * time.Minute, Scan: 10,
		Hourly: 10, Daily: 20, Unknown: 3, Account: 20,
		Ladder:   []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour},
		Unproven: 10 * time.Minute, Budget: 120,
		Learn: time.Hour, Trust: 30 * 24 * time.Hour,
		Spray: 5, Max: 1_000_000, Sources: 200_000,
	}
}
