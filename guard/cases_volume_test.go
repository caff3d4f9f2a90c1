package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/numbering"
)

const (
	somalia  = "0025261234567"
	somalia2 = "0025261234899"
	home     = "0201234567"
	premium  = "09001234567"
)

// night is three in the morning after the Wednesday.
const untilNight = 15 * time.Hour

// listsOf are lists of numbers for tests.
type listsOf map[ListKind]string

func (l listsOf) Lookup(k ListKind, number string, _ time.Time) (string, bool) {
	if p, ok := l[k]; ok && strings.HasPrefix(number, p) {
		return "acm", true
	}
	return "", false
}

func withList(k ListKind, prefix string) func(*Policy) {
	return func(p *Policy) { p.Lists = listsOf{k: prefix} }
}

func american(t *Policy) {
	profile, _ := numbering.DefaultProfile("US")
	profile.Extensions = `^1\d\d$`
	t.PBXs["a"].Plan, _ = numbering.NewPlan(profile)
}

// learnt is a memory in which the PBX is known for nine weeks, and 100 has
// placed so many calls in each hour like this one.
func learnt(calls int) Memory {
	var m Memory
	wall := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for week := 9; week >= 1; week-- {
		at := wall.AddDate(0, 0, -7*week)
		for _, name := range []string{"100", ""} {
			m.Hours = append(m.Hours, Hour{Account: Account{PBX: "a", Name: name}, At: at, Calls: calls, Numbers: calls, Peak: 1, Abroad: 1})
		}
	}
	return m
}

func learns(p *Policy) { p.Learn = 14 * 24 * time.Hour }

func both(fs ...func(*Policy)) func(*Policy) {
	return func(p *Policy) {
		for _, f := range fs {
			f(p)
		}
	}
}

func role(r Role) func(*Policy) { return func(p *Policy) { p.Default.Role = r } }

func machine(p *Policy) {
	p.Default.Role, p.Default.Reaches = RoleMachine, regexp.MustCompile(`^\+3120\d+$`)
}

func numberCases() []ruleCase {
	call := func(number string) func(*rig) { return func(r *rig) { r.place("100", number) } }
	dial := func(number string) func(*rig) { return func(r *rig) { r.phone("100", number) } }
	return []ruleCase{
		{"destination", "premium", Kill, nil, Memory{}, call(premium)},
		{"destination", "ordinary", Allow, nil, Memory{}, call(home)},
		{"machine", "somebody else", Kill, nil, Memory{}, call("0301234567")},
		{"machine", "one of its own numbers", Allow, nil, Memory{}, call(home)},
		{"machine-silent", "no longer", Alert, nil, Memory{}, func(r *rig) { r.end(flip(r.place("100", home))); r.wait(26 * time.Hour) }},
		{"machine-silent", "every day", Allow, nil, Memory{}, func(r *rig) {
			for range 3 {
				a, b := r.place("100", home)
				r.end(b, a)
				r.wait(24 * time.Hour)
			}
		}},
		{"machine", "a phone", Allow, func(p *Policy) { p.Default.Role = "" }, Memory{}, call("0301234567")},
		{"locked", "a locked machine that calls its own number", Allow, machine, Memory{Bars: []Bar{{Account: ext("100"), At: wednesday}}}, call(home)},
		{"locked", "a locked machine that calls elsewhere", Kill, machine, Memory{Bars: []Bar{{Account: ext("100"), At: wednesday, Reason: "test"}}}, call("0301234567")},
		{"attempts", "21 of a dialler in a minute", Allow, role(RoleDialler), Memory{}, many(21, each("02012345%02d"), "100")},
		{"country", "not on the list, of a dialler", Kill, role(RoleDialler), Memory{}, call(somalia)},
		{"hours", "at night, of a guest", Allow, role(RoleGuest), Memory{}, func(r *rig) { r.wait(untilNight); r.place("100", somalia) }},
		{"country", "not on the list", Kill, nil, Memory{}, call(somalia)},
		{"country", "on the list", Allow, nil, Memory{}, call("003225551234")},
		{"guessing", "an outside line tried", Kill, nil, Memory{}, dial("000972597562518")},
		{"guessing", "the right prefix", Allow, nil, Memory{}, dial("00972597562518")},
		{"guessing", "a third time", Lock, nil, Memory{}, func(r *rig) {
			for _, n := range []string{"000972597562518", "9000972597562518", "99011966560690444"} {
				r.end(r.phone("100", n))
			}
		}},
		{"guessing", "a third time, an hour later", Kill, nil, Memory{}, func(r *rig) {
			r.end(r.phone("100", "000972597562518"))
			r.end(r.phone("100", "9000972597562518"))
			r.wait(time.Hour)
			r.end(r.phone("100", "99011966560690444"))
		}},
		{"carrier-select", "1600 in front", Kill, nil, Memory{}, dial("160000972597562518")},
		{"carrier-select", "nothing in front", Allow, nil, Memory{}, dial("00972597562518")},
		{"home-detour", "0900 through 0031", Kill, nil, Memory{}, dial("00319001234567")},
		{"home-detour", "0900 as it is", Allow, nil, Memory{}, dial("09001234567")},
		{"home-detour", "an ordinary number through 0031", Allow, nil, Memory{}, dial("0031201234567")},
		{"offshore", "Jamaica in ten digits", Kill, american, Memory{}, dial("8762345678")},
		{"offshore", "New York in ten digits", Allow, american, Memory{}, dial("2122345678")},
		{"offshore", "Jamaica, allowed", Allow, both(american, func(p *Policy) { p.Default.Countries = map[string]bool{"JM": true} }), Memory{}, dial("8762345678")},
		{"unallocated", "no such number in Egypt", Kill, nil, Memory{}, dial("0020123")},
		{"unallocated", "a number in Egypt", Allow, nil, Memory{}, dial("0020223456789")},
		{"listed", "on the list", Kill, withList(DeniedNumbers, "+2526"), Memory{}, dial(somalia)},
		{"listed", "on a list of another kind", Allow, withList(SilentNumbers, "+2526"), Memory{}, dial(somalia)},
		{"withdrawn", "withdrawn", Kill, withList(WithdrawnNumbers, "+3120"), Memory{}, dial(home)},
		{"withdrawn", "another number", Allow, withList(WithdrawnNumbers, "+3130"), Memory{}, dial(home)},
		{"hours", "at night", Kill, nil, Memory{}, func(r *rig) { r.wait(untilNight); r.place("100", somalia) }},
		{"hours", "at noon", Allow, nil, Memory{}, call(somalia)},
		{"weekend", "on Saturday", Kill, nil, Memory{}, func(r *rig) { r.wait(72 * time.Hour); r.place("100", somalia) }},
		{"weekend", "on Wednesday", Allow, nil, Memory{}, call(somalia)},
		{"holiday", "closed", Kill, shut("2026-11-25"), Memory{}, call(somalia)},
		{"holiday", "closed tomorrow", Allow, shut("2026-11-26"), Memory{}, call(somalia)},
		{"first-country", "never called", Alert, learns, learnt(5), call(somalia)},
		{"first-country", "called before", Allow, learns, called("SO"), call(somalia)},
		{"first-country", "never called, at night", Kill, learns, learnt(5), func(r *rig) { r.wait(untilNight); r.place("100", somalia) }},
		{"first-country", "nothing is known yet", Allow, learns, Memory{}, call(somalia)},
		{"spike", "six to one place", Alert, nil, Memory{}, heaping(6)},
		{"spike", "five to one place", Allow, nil, Memory{}, heaping(5)},
		{"services", "for longer than half an hour", Alert, nil, Memory{}, talking("0881234567", 31*time.Minute)},
		{"services", "for half an hour", Allow, nil, Memory{}, talking("0881234567", 29*time.Minute)},
		{"emergency", "112", Alert, nil, Memory{}, call("112")},
		{"emergency", "112 with digits behind", Allow, nil, Memory{}, call("1121234567")},
	}
}

// called is learnt, and 100 has called a country on several days.
func called(country string) Memory {
	m := learnt(5)
	m.Seen = append(m.Seen, Seen{Account: ext("100"), What: "country", Key: country, First: wednesday.AddDate(0, 0, -30), Last: wednesday.AddDate(0, 0, -1), Days: 9})
	return m
}

func shut(day string) func(*Policy) {
	return func(p *Policy) {
		p.PBXs["a"].Closed = func(t time.Time) (string, bool) { return "closed day", t.Format(time.DateOnly) == day }
	}
}

// heaping places n calls to one part of a country.
func heaping(n int) func(*rig) {
	return func(r *rig) {
		for i := range n {
			a, b := r.place("100", fmt.Sprintf("00252612340%02d", i*7))
			r.end(b, a)
			r.wait(time.Minute)
		}
	}
}

// talking is one call that is up for so long.
func talking(number string, d time.Duration) func(*rig) {
	return func(r *rig) {
		a, b := r.place("100", number)
		r.answer(b, a)
		r.wait(d)
	}
}

// many places n calls at once, of extensions that take turns.
func many(n int, numbers func(int) string, of ...string) func(*rig) {
	return func(r *rig) {
		for i := range n {
			r.place(of[i%len(of)], numbers(i))
		}
	}
}

func each(format string) func(int) string {
	return func(i int) string { return fmt.Sprintf(format, i) }
}

// tries places n calls one after the other that end as told.
func tries(n int, gap, up time.Duration, cause int, numbers func(int) string) func(*rig) {
	return func(r *rig) {
		for i := range n {
			a, b := r.place("100", numbers(i))
			if up > 0 {
				r.answer(b, a)
				r.wait(up)
			}
			r.feed(Event{Kind: LegEnded, Leg: b, Cause: cause})
			r.feed(Event{Kind: LegEnded, Leg: a, Cause: cause})
			r.wait(gap)
		}
	}
}

func volumeCases() []ruleCase {
	scattered := func(i int) string {
		return []string{"0049301234567", "0033142345678", "0034912345678", "0039061234567", "004812345678", "0046850780296", "004721234567", "0045331234567", "0035891234567", "0043112345678"}[i%10]
	}
	return []ruleCase{
		{"concurrent", "four at once", Kill, nil, Memory{}, many(4, each("020123450%d"), "100")},
		{"concurrent", "three at once", Allow, nil, Memory{}, many(3, each("020123450%d"), "100")},
		{"concurrent-country", "four at once", Kill, nil, Memory{}, many(4, each("0025261230%d00"), "100", "101", "102", "103")},
		{"concurrent-country", "three at once", Allow, nil, Memory{}, many(3, each("0025261230%d00"), "100", "101", "102", "103")},
		{"concurrent-country", "four colleagues by day, once habits count", Alert, learns, Memory{}, many(4, each("0025261230%d00"), "100", "101", "102", "103")},
		{"concurrent-abroad", "five at once", Alert, nil, Memory{}, many(5, scattered, "100")},
		{"concurrent-abroad", "four at once", Allow, nil, Memory{}, many(4, scattered, "100")},
		{"attempts", "21 in a minute", Lock, nil, Memory{}, many(21, each("02012345%02d"), "100")},
		{"attempts", "ten in a minute", Allow, nil, Memory{}, many(10, each("02012345%02d"), "100")},
		{"attempts", "eleven in a minute", Alert, nil, Memory{}, many(11, each("02012345%02d"), "100")},
		{"attempts-pbx", "six in a second", Alert, nil, Memory{}, many(6, each("020123450%d"), "100", "101")},
		{"attempts-pbx", "five in a second", Allow, nil, Memory{}, many(5, each("020123450%d"), "100", "101")},
		{"sequential", "six in a row", Kill, nil, Memory{}, many(6, each("00252612300%d"), "100")},
		{"sequential", "far apart", Allow, nil, Memory{}, many(6, func(i int) string { return fmt.Sprintf("0025261230%03d", 120*i) }, "100")},
		{"block", "eight of a hundred", Kill, nil, Memory{}, many(8, func(i int) string { return fmt.Sprintf("00252612300%02d", 37*i%100) }, "100")},
		{"block", "seven of a hundred", Allow, nil, Memory{}, many(7, func(i int) string { return fmt.Sprintf("00252612300%02d", 37*i%100) }, "100")},
		{"short-calls", "ten abroad in a quarter of an hour", Alert, learns, familiar("DE"), tries(10, time.Minute, 10*time.Second, 16, each("00493012345%02d"))},
		{"short-calls", "nine abroad in a quarter of an hour", Allow, both(learns), familiar("DE"), tries(9, time.Minute, 10*time.Second, 16, each("00493012345%02d"))},
		{"short-calls", "three to a new country at night", Lock, learns, learnt(5), func(r *rig) {
			r.wait(untilNight)
			tries(3, time.Minute, 8*time.Second, 16, each("0025261234%03d"))(r)
		}},
		{"failing", "ten that do not exist", Lock, nil, Memory{}, tries(10, 20*time.Second, 0, 1, each("00252612345%02d"))},
		{"failing", "ten that are busy", Allow, nil, Memory{}, tries(10, 20*time.Second, 0, 17, each("00252612345%02d"))},
		{"same-number", "by three extensions", Kill, nil, Memory{}, many(3, func(int) string { return somalia }, "100", "101", "102")},
		{"same-number", "by two extensions", Allow, nil, Memory{}, many(2, func(int) string { return somalia }, "100", "101")},
		{"same-range", "three numbers for an hour", Kill, nil, Memory{}, tries(3, time.Minute, 21*time.Minute, 16, each("0025261234560%d"))},
		{"same-range", "three numbers, but many short calls", Allow, nil, Memory{}, tries(24, time.Minute, 3*time.Minute, 16, each("002526123456%02d"))},
		{"same-range", "two numbers for an hour", Allow, nil, Memory{}, tries(2, time.Minute, 32*time.Minute, 16, each("0025261234560%d"))},
		{"habits", "far more than ever", Alert, learns, learnt(2), tries(14, time.Minute, 0, 16, scattered)},
		{"habits", "as much as ever", Allow, learns, learnt(14), tries(14, time.Minute, 0, 16, scattered)},
		{"habits-pbx", "far more than ever", Alert, learns, learnt(2), tries(14, time.Minute, 0, 16, scattered)},
		{"habits-pbx", "as much as ever", Allow, learns, learnt(14), tries(14, time.Minute, 0, 16, scattered)},
		{"duration", "four hours", Kill, nil, Memory{}, talking(home, 4*time.Hour+time.Minute)},
		{"duration", "three hours", Allow, nil, Memory{}, talking(home, 3*time.Hour)},
		{"duration", "nearly four hours", Alert, nil, Memory{}, talking(home, 3*time.Hour+30*time.Minute)},
		{"duration-abroad", "an hour", Kill, nil, Memory{}, talking(somalia, 61*time.Minute)},
		{"duration-abroad", "an hour at home", Allow, nil, Memory{}, talking(home, 61*time.Minute)},
		{"duration-premium", "ten minutes", Kill, nil, Memory{}, talking(premium, 11*time.Minute)},
		{"duration-premium", "seven minutes", Allow, nil, Memory{}, talking(premium, 7*time.Minute)},
		{"duration-mobile", "two hours", Kill, nil, Memory{}, talking("0612345678", 121*time.Minute)},
		{"duration-mobile", "two hours to a fixed line", Allow, nil, Memory{}, talking(home, 121*time.Minute)},
	}
}

// familiar is learnt, and 100 has called a country for long, by day and night.
func familiar(country string) Memory {
	m := called(country)
	return m
}

func (f flatTariff) Currency() string { return "EUR" }

// flatTariff has one price for all.
type flatTariff Rate

func (f flatTariff) Rate(string) Rate { return Rate(f) }

func priced(perMinute Money) func(*Policy) {
	return func(p *Policy) { p.Tariff = flatTariff{PerMinute: perMinute, Step: time.Minute} }
}

func moneyCases() []ruleCase {
	old := func(amount Money, day int) Memory {
		return Memory{Spent: []Spent{{Account: ext("100"), Day: wednesday.AddDate(0, 0, -day), Amount: amount}}}
	}
	return []ruleCase{
		{"minutes-hour", "91 minutes", Kill, nil, Memory{}, func(r *rig) { talking(home, 30*time.Minute)(r); talking("0301234567", 35*time.Minute)(r) }},
		{"minutes-hour", "80 minutes", Allow, nil, Memory{}, func(r *rig) { talking(home, 40*time.Minute)(r); talking("0301234567", 19*time.Minute)(r) }},
		{"minutes-day", "ten hours", Alert, nil, Memory{}, func(r *rig) { talking(home, 4*time.Hour)(r); talking("0301234567", 3*time.Hour+time.Minute)(r) }},
		{"minutes-day", "eight hours", Allow, nil, Memory{}, func(r *rig) { talking(home, 4*time.Hour)(r); talking("0301234567", 2*time.Hour)(r) }},
		{"abroad-hour", "31 minutes", Kill, nil, Memory{}, talking(somalia, 31*time.Minute)},
		{"abroad-hour", "31 minutes, with a rate deck", Allow, priced(1), Memory{}, talking(somalia, 31*time.Minute)},
		{"abroad-day", "61 minutes", Kill, nil, Memory{}, talking(somalia, 61*time.Minute)},
		{"abroad-day", "61 minutes to where it usually calls", Allow, learns, called("SO"), talking(somalia, 61*time.Minute)},
		{"abroad-day", "61 minutes by day, once habits count", Alert, learns, learnt(5), talking(somalia, 61*time.Minute)},
		{"spend-hour", "ten euros, the next step included", Lock, priced(Unit), Memory{}, talking(somalia, 9*time.Minute+time.Second)},
		{"spend-hour", "four euros", Allow, priced(Unit), Memory{}, talking(somalia, 2*time.Minute)},
		{"spend-day", "25 euros", Lock, priced(Unit), Memory{}, talking(somalia, 25*time.Minute)},
		{"spend-day", "ten euros", Allow, priced(Unit), Memory{}, talking(somalia, 10*time.Minute)},
		{"spend-month", "a hundred euros, most of them last week", Lock, priced(Unit), old(90*Unit, 7), talking(somalia, 10*time.Minute)},
		{"spend-month", "a hundred euros, most of them last month", Allow, priced(Unit), old(90*Unit, 40), talking(somalia, 10*time.Minute)},
		{"spend-pbx-day", "a hundred euros", Kill, priced(10 * Unit), Memory{}, func(r *rig) {
			r.answer(flip(r.place("101", somalia)))
			talking(somalia2, 5*time.Minute)(r)
		}},
		{"spend-pbx-day", "forty euros", Allow, priced(10 * Unit), Memory{}, talking(somalia, 2*time.Minute)},
		{"spend-pbx-month", "five hundred euros", Kill, priced(10 * Unit), old(450*Unit, 7), talking(somalia, 5*time.Minute)},
		{"spend-pbx-month", "two hundred euros", Allow, priced(10 * Unit), old(150*Unit, 7), talking(somalia, 5*time.Minute)},
		{"services", "five euros", Alert, priced(Unit), Memory{}, talking("0881234567", 5*time.Minute)},
	}
}

// TestCapsAreToldBefore: half of a cap and four fifths of it are told, once each.
func TestCapsAreToldBefore(t *testing.T) {
	p := only(t, "spend-hour")
	priced(Unit)(p)
	r := newRig(t, p)
	talking(somalia, 8*time.Minute+30*time.Second)(r)
	var told []string
	for _, rec := range r.records {
		if d, ok := rec.(Decision); ok && d.Rule == "spend-hour" && d.Action == Alert {
			told = append(told, d.Reason[:len("extension 100 has spent EUR 5.00")])
		}
	}
	want := []string{"extension 100 has spent EUR 5.00", "extension 100 has spent EUR 8.00"}
	if !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
}

func flip(a, b LegID) LegID { return b }
