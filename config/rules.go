package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

// Rules are the settings of all rules. It is a plain value: a group's rules
// begin as a copy of the general ones.
type Rules struct {
	Destination       Destination `toml:"destination" doc:"by what kind of number is called"`
	Country           Country     `toml:"country" doc:"calls to other countries"`
	Hours             Hours       `toml:"hours" doc:"international calls outside office hours"`
	Weekend           Day         `toml:"weekend" doc:"international calls on Saturday and Sunday"`
	Holiday           Day         `toml:"holiday" doc:"international calls on the days of [closed]"`
	Concurrent        Count       `toml:"concurrent" doc:"outbound calls of one extension at once"`
	ConcurrentCountry Count       `toml:"concurrent_country" doc:"calls of the whole PBX to one foreign country at once"`
	Attempts          Count       `toml:"attempts" doc:"call attempts of one extension in a minute"`
	Sequential        Count       `toml:"sequential" doc:"numbers dialled one after the other that differ only in their last digits"`
	Duration          Span        `toml:"duration" doc:"the length of one call, which is ended while it is up"`
	MinutesHour       Span        `toml:"minutes_hour" doc:"talk time of one extension within an hour, over all its outside calls; those at once add up"`
	MinutesDay        Span        `toml:"minutes_day" doc:"talk time of one extension since midnight, over all its outside calls"`

	set guard.Settings   // of the rules that describe themselves
	own map[string]*bool // their enforce, by id
}

// Destination says what happens to calls by the class of their number; see
// [numbering.Class]. Emergency numbers have no key on purpose.
type Destination struct {
	Premium     guard.Action `toml:"premium" doc:"premium rate numbers"`
	Satellite   guard.Action `toml:"satellite" doc:"satellite telephones"`
	IntlNetwork guard.Action `toml:"intl_network" doc:"international networks, which belong to no country"`
	Unknown     guard.Action `toml:"unknown" doc:"numbers that no numbering plan knows, or that cannot be understood"`
	Personal    guard.Action `toml:"personal" doc:"personal numbers, which follow their owner anywhere at the caller's cost"`
	SharedCost  guard.Action `toml:"shared_cost" doc:"shared cost and service numbers"`
	Directory   guard.Action `toml:"directory" doc:"directory enquiries, some of which put through"`
	UAN         guard.Action `toml:"uan" doc:"company numbers without a place"`
	VoIP        guard.Action `toml:"voip" doc:"internet telephones"`
	Pager       guard.Action `toml:"pager" doc:"pagers"`
	M2M         guard.Action `toml:"m2m" doc:"machines"`
	TollFree    guard.Action `toml:"toll_free" doc:"numbers that are free to the caller"`
	Enforce     *bool        `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// Country says which countries may be called.
type Country struct {
	Allow   []string     `toml:"allow" is:"country" doc:"countries that may be called, besides the PBX's own"`
	Action  guard.Action `toml:"action" doc:"what happens to a call to another country"`
	Enforce *bool        `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// Hours is the office's day.
type Hours struct {
	Open    Clock        `toml:"open" doc:"when the office opens"`
	Close   Clock        `toml:"close" doc:"when it closes; earlier than open, it does so on the next day"`
	Action  guard.Action `toml:"action" doc:"what happens to an international call at another time"`
	Enforce *bool        `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// Day is about days on which the office is closed.
type Day struct {
	Action  guard.Action `toml:"action" doc:"what happens to an international call on such a day"`
	Enforce *bool        `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// Count limits how many there may be.
type Count struct {
	Max     int          `toml:"max" min:"0" max:"100000" doc:"how many there may be"`
	Action  guard.Action `toml:"action" doc:"what happens to one more"`
	Enforce *bool        `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// Span limits how long something may last.
type Span struct {
	Max     time.Duration `toml:"max" min:"1s" max:"31d" doc:"how long it may be"`
	Action  guard.Action  `toml:"action" doc:"what happens beyond that"`
	Enforce *bool         `toml:"enforce" doc:"true or false: whatever calls.mode says"`
}

// defaultRules kill what no honest office does and report what one may do.
func defaultRules() Rules {
	return Rules{
		Destination: Destination{
			Premium: guard.Kill, Satellite: guard.Kill, IntlNetwork: guard.Kill, Unknown: guard.Kill,
			Personal: guard.Alert, SharedCost: guard.Note, Directory: guard.Note,
		},
		Country:           Country{Action: guard.Alert},
		Hours:             Hours{Open: Clock(7 * time.Hour), Close: Clock(19 * time.Hour), Action: guard.Kill},
		Weekend:           Day{Action: guard.Kill},
		Holiday:           Day{Action: guard.Kill},
		Concurrent:        Count{Max: 3, Action: guard.Kill},
		ConcurrentCountry: Count{Max: 3, Action: guard.Kill},
		Attempts:          Count{Max: 20, Action: guard.Lock},
		Sequential:        Count{Max: 5, Action: guard.Kill},
		Duration:          Span{Max: 4 * time.Hour, Action: guard.Kill},
		MinutesHour:       Span{Max: 90 * time.Minute, Action: guard.Kill},
		MinutesDay:        Span{Max: 10 * time.Hour, Action: guard.Alert},
		set:               guard.DefaultSettings(),
	}
}

// limits are the rules as the guard wants them. The countries in homes may
// always be called.
func (r *Rules) limits(group string, homes []string) guard.Limits {
	allowed := map[string]bool{}
	for _, c := range slices.Concat(homes, r.Country.Allow) {
		allowed[c] = true
	}
	d := &r.Destination
	return guard.Limits{
		Group: group,
		Class: map[numbering.Class]guard.Action{
			numbering.Premium: d.Premium, numbering.Satellite: d.Satellite,
			numbering.IntlNetworkClass: d.IntlNetwork, numbering.Unknown: d.Unknown,
			numbering.Personal: d.Personal, numbering.SharedCost: d.SharedCost,
			numbering.Directory: d.Directory, numbering.UAN: d.UAN, numbering.VoIP: d.VoIP,
			numbering.Pager: d.Pager, numbering.M2M: d.M2M, numbering.TollFree: d.TollFree,
		},
		Countries:     allowed,
		CountryAction: r.Country.Action,
		Hours: guard.HoursLimit{
			From: time.Duration(r.Hours.Open), To: time.Duration(r.Hours.Close), Action: r.Hours.Action,
		},
		Weekend:           r.Weekend.Action,
		Holiday:           r.Holiday.Action,
		Concurrent:        guard.CountLimit{Max: r.Concurrent.Max, Action: r.Concurrent.Action},
		ConcurrentCountry: guard.CountLimit{Max: r.ConcurrentCountry.Max, Action: r.ConcurrentCountry.Action},
		Attempts:          guard.CountLimit{Max: r.Attempts.Max, Action: r.Attempts.Action},
		Sequential:        guard.CountLimit{Max: r.Sequential.Max, Action: r.Sequential.Action},
		Duration:          guard.SpanLimit{Max: r.Duration.Max, Action: r.Duration.Action},
		MinutesHour:       guard.SpanLimit{Max: r.MinutesHour.Max, Action: r.MinutesHour.Action},
		MinutesDay:        guard.SpanLimit{Max: r.MinutesDay.Max, Action: r.MinutesDay.Action},
		Set:               r.set,
		Enforced:          r.enforced(),
	}
}

// enforced are the modes of single rules by their ids, which are the names of
// their tables with hyphens.
func (r *Rules) enforced() map[string]guard.Mode {
	modes := map[string]guard.Mode{}
	note := func(id string, own *bool) {
		if own == nil {
			return
		}
		modes[id] = guard.Observe
		if *own {
			modes[id] = guard.Enforce
		}
	}
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("toml"); name != "" {
			note(strings.ReplaceAll(name, "_", "-"), v.Field(i).FieldByName("Enforce").Interface().(*bool))
		}
	}
	for id, own := range r.own {
		note(id, own)
	}
	return modes
}
