package traffic

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Attack is a way to make somebody else pay.
type Attack struct {
	Name  string
	About string // in a sentence
	// Hour and Weekend say when it is done: at that hour of a working day, or of
	// a Saturday.
	Hour    float64
	Weekend bool
	make    func(*attack)
}

// Attacks are those that court cases, carriers and honeypots tell of.
func Attacks() []Attack {
	return []Attack{
		{"weekend-irsf", "a stolen account pumps 500 calls into dear countries over a weekend", 3.2, true, weekendIRSF},
		{"burst", "a stolen account pumps for 14 minutes in the evening", 19.6, false, burst},
		{"test-then-pump", "one short test call, and twelve hours later the pumping", 13.3, false, testThenPump},
		{"slow-drip", "two long calls an hour, one at a time, for three days", 9.5, false, slowDrip},
		{"prefix-guessing", "an attacker tries outside-line prefixes until one works", 1.4, false, prefixGuessing},
		{"forward-302", "a phone answers calls from outside with a forward to a dear number", 20.5, false, forward302},
		{"refer-by-outsider", "an outsider sends the extension that it talks to on to a dear number", 15.1, false, referByOutsider},
		{"wangiri", "a wave of short rings from abroad, and the staff calls back", 10.2, false, wangiri},
		{"dial-through", "a guessed PIN opens the dial-through service", 2.1, true, dialThrough},
		{"new-network", "a stolen account works from another network by day, two calls at once", 11.2, false, newNetwork},
		{"spoofing", "the office's lines show a bank's number to its customers", 12.4, false, spoofing},
		{"own-phone", "malware on a desk phone pumps by night, from the address where it always is", 1.2, false, ownPhone},
		{"two-a-night", "two long calls a night, for two weeks", 23.3, false, twoANight},
		{"by-day", "four long calls a day among the honest ones, for a week, from the phone's own address", 9.6, false, byDay},
		{"many-accounts", "a dozen stolen accounts take turns by day, so that none stands out", 9.5, false, manyAccounts},
		{"many-countries", "a stolen account calls a different country each time, by day", 10.1, false, manyCountries},
		{"islands", "islands behind +1, one call at a time in the evening", 19.4, false, islands},
		{"one-long-call", "one call to a dear number, kept up for hours", 21.5, false, oneLongCall},
	}
}

// Victim is an extension with a past.
type Victim struct {
	Extension string
	Source    netip.Addr // where it usually is
	Agent     string
	Staff     []string // other extensions
	// Home is the country code of the office, with a +: nobody is paid for calls
	// that stay there. "" is that of the Netherlands, which pay nobody.
	Home string
}

// VictimOf is an extension of the invented office with its colleagues.
func VictimOf(extension string, staff []string) Victim {
	n, err := strconv.Atoi(extension)
	if err != nil {
		n = reception
	}
	return Victim{Extension: extension, Source: inHouse(n), Agent: deskPhone, Staff: staff}
}

// attack is one that is being made.
type attack struct {
	dice
	name  string
	at    time.Time
	v     Victim
	story Story
}

// Make makes the attack begin at a time, against a victim.
func (a Attack) Make(seed uint64, at time.Time, v Victim) Story {
	d := &attack{dice: newDice(seed, uint64(len(a.Name))<<8|uint64(a.Name[0])), name: a.Name, at: at, v: v}
	a.make(d)
	return d.story
}

// dear are where pumped calls go: number ranges that pay their callers.
var dear = []struct{ code, first string }{
	{"+252", "61"}, {"+371", "9011"}, {"+53", "52"}, {"+216", "98"}, {"+232", "76"}, {"+223", "66"},
	{"+960", "77"}, {"+381", "60"}, {"+675", "70"}, {"+44", "7011"}, {"+8816", "1"}, {"+1876", "555"},
}

// target is a range that a fraudster was rented numbers in.
func (d *attack) target() func() string {
	c := dear[d.IntN(len(dear))]
	for d.v.Home != "" && strings.HasPrefix(c.code, d.v.Home) {
		c = dear[d.IntN(len(dear))]
	}
	n := map[string]int{"+252": 9, "+371": 8, "+53": 8, "+216": 8, "+232": 8, "+223": 8, "+960": 7, "+381": 9, "+675": 8, "+44": 10, "+8816": 8, "+1876": 7}[c.code]
	prefix := c.code + c.first + d.digits(max(0, n-len(c.first)-3))
	return func() string { return prefix + d.digits(3) }
}

// rest is where and with what the victim's own phone is.
func (d *attack) rest(c Call) Call {
	c.Path, c.Source, c.Agent = Out, d.v.Source, d.v.Agent
	if c.Ring == 0 {
		c.Ring = d.within(time.Second, 4*time.Second)
	}
	return c
}

// elsewhere is where the attacker is, and with what.
func (d *attack) elsewhere() netip.Addr {
	return netip.AddrFrom4([4]byte{[]byte{185, 45, 193, 5}[d.IntN(4)], byte(1 + d.IntN(250)), byte(d.IntN(250)), byte(1 + d.IntN(250))})
}

const attackAgent = "Zoiper rv2.10.3.2"

func (d *attack) call(c Call) {
	c.Attack = d.name
	if c.Extension == "" {
		c.Extension = d.v.Extension
	}
	d.story.Calls = append(d.story.Calls, c)
}

// login registers the stolen account.
func (d *attack) login(source netip.Addr) {
	d.story.Logins = append(d.story.Logins, Login{At: d.at.Add(-time.Minute), Extension: d.v.Extension, Source: source, Agent: attackAgent, Attack: d.name})
}

// pump keeps so many calls up until a time, from where the attacker is.
func (d *attack) pump(source netip.Addr, from time.Time, lasts time.Duration, lines, most int, talk time.Duration) {
	d.pumpAs(source, attackAgent, from, lasts, lines, most, talk)
}

func (d *attack) pumpAs(source netip.Addr, agent string, from time.Time, lasts time.Duration, lines, most int, talk time.Duration) {
	number := d.target()
	end := from.Add(lasts)
	free := make([]time.Time, lines)
	for i := range free {
		free[i] = from.Add(d.gap(20 * time.Second))
	}
	for range most {
		first := 0
		for i := range free {
			if free[i].Before(free[first]) {
				first = i
			}
		}
		at := free[first]
		if !at.Before(end) {
			return
		}
		c := Call{Start: at, Path: Out, Number: number(), Ring: d.within(time.Second, 4*time.Second), Source: source, Agent: agent}
		if d.chance(0.9) {
			c.Talk = d.seconds(talk.Seconds(), 0.4)
		}
		d.call(c)
		free[first] = at.Add(c.Ring + c.Talk + d.within(time.Second, 8*time.Second))
		if d.chance(0.02) {
			number = d.target()
		}
	}
}

func weekendIRSF(d *attack) {
	source := d.elsewhere()
	d.login(source)
	d.pump(source, d.at, 44*time.Hour, 4+d.IntN(7), 500, 25*time.Minute)
}

func burst(d *attack) {
	source := d.elsewhere()
	d.login(source)
	d.pump(source, d.at, 14*time.Minute, 6+d.IntN(15), 200, 6*time.Minute)
}

func testThenPump(d *attack) {
	source := d.elsewhere()
	d.login(source)
	d.call(Call{Start: d.at, Path: Out, Number: d.target()(), Ring: 3 * time.Second, Talk: d.within(4*time.Second, 14*time.Second), Source: source, Agent: attackAgent})
	d.pump(source, d.at.Add(12*time.Hour), 5*time.Hour, 6, 200, 30*time.Minute)
}

func slowDrip(d *attack) {
	source := d.elsewhere()
	d.login(source)
	number := d.target()
	for i := range 144 {
		at := d.at.Add(time.Duration(i)*30*time.Minute + d.within(0, 8*time.Minute))
		d.call(Call{Start: at, Path: Out, Number: number(), Ring: 3 * time.Second, Talk: d.within(17*time.Minute, 21*time.Minute), Source: source, Agent: attackAgent})
	}
}

// prefixGuessing tries what published attack logs show.
func prefixGuessing(d *attack) {
	source := d.elsewhere()
	d.login(source)
	number := d.target()()
	digits := number[1:]
	at := d.at
	for _, prefix := range []string{"0", "9", "000", "900", "99011", "9011", "011", "8", "800", "7", "0000", "99900", "1", "9900", "*9", "001", "810", "00000", "88", "2", "00"} {
		c := Call{Start: at, Path: Out, Dialled: prefix + digits, Ring: time.Second, Failed: true, Source: source, Agent: attackAgent}
		if prefix == "00" {
			c = Call{Start: at, Path: Out, Number: number, Ring: 2 * time.Second, Talk: 8 * time.Second, Source: source, Agent: attackAgent}
		}
		d.call(c)
		at = at.Add(d.within(4*time.Second, 15*time.Second))
	}
	d.pump(source, at.Add(10*time.Minute), 3*time.Hour, 5, 100, 20*time.Minute)
}

func forward302(d *attack) {
	number := d.target()
	for i := range 40 {
		at := d.at.Add(time.Duration(i)*5*time.Minute + d.gap(40*time.Second))
		d.call(Call{Start: at, Path: Diverted, Number: number(), Caller: "+3197010" + d.digits(6), Ring: d.within(time.Second, 5*time.Second), Talk: d.seconds(25*60, 0.4)})
	}
}

func referByOutsider(d *attack) {
	number := d.target()
	for i := range 12 {
		at := d.at.Add(time.Duration(i)*7*time.Minute + d.gap(time.Minute))
		d.call(Call{Start: at, Path: Sent, Number: number(), Caller: "+3197010" + d.digits(6), Ring: d.within(time.Second, 5*time.Second), Talk: d.seconds(30*60, 0.4)})
	}
}

func wangiri(d *attack) {
	number := d.target()
	var rang []string
	for i := range 60 {
		n := number()
		rang = append(rang, n)
		d.call(Call{Start: d.at.Add(time.Duration(i)*17*time.Second + d.gap(9*time.Second)), Path: In, Extension: d.v.Staff[i%len(d.v.Staff)], Caller: n, Ring: d.within(700*time.Millisecond, 2*time.Second)})
	}
	for i := range 4 {
		at := d.at.Add(20*time.Minute + time.Duration(i)*9*time.Minute + d.gap(3*time.Minute))
		d.call(Call{Start: at, Path: Out, Extension: d.v.Staff[(3*i)%len(d.v.Staff)], Number: rang[7*i], Ring: 2 * time.Second, Talk: d.within(2*time.Minute, 9*time.Minute)})
	}
}

func dialThrough(d *attack) {
	number := d.target()
	for i := range 30 {
		at := d.at.Add(time.Duration(i)*6*time.Minute + d.gap(time.Minute))
		d.call(Call{Start: at, Path: Through, Number: number(), Caller: "+3197010" + d.digits(6), Ring: d.within(time.Second, 4*time.Second), Talk: d.seconds(25*60, 0.4)})
	}
}

func newNetwork(d *attack) {
	source := d.elsewhere()
	d.login(source)
	d.pump(source, d.at, 4*time.Hour, 2, 60, 14*time.Minute)
}

// spoofing shows a bank's number to many mobiles at home.
func spoofing(d *attack) {
	at := d.at
	for range 120 {
		c := Call{Start: at, Path: Out, Number: "+316" + strconv.Itoa(1+d.IntN(4)) + d.digits(7), Shown: "+31203456789", Ring: d.within(4*time.Second, 18*time.Second), Source: d.v.Source, Agent: d.v.Agent}
		if d.chance(0.4) {
			c.Talk = d.seconds(170, 0.6)
		}
		d.call(c)
		at = at.Add(c.Ring + c.Talk/2 + d.within(2*time.Second, 20*time.Second))
	}
}

func ownPhone(d *attack) {
	d.pumpAs(d.v.Source, d.v.Agent, d.at, 5*time.Hour, 3, 90, 14*time.Minute)
}

func twoANight(d *attack) {
	number := d.target()
	for night := range 14 {
		for range 2 {
			at := d.at.AddDate(0, 0, night).Add(d.within(0, 5*time.Hour))
			d.call(d.rest(Call{Start: at, Number: number(), Talk: d.within(14*time.Minute, 26*time.Minute)}))
		}
	}
}

func byDay(d *attack) {
	number := d.target()
	for day := range 5 {
		for i := range 4 {
			at := d.at.AddDate(0, 0, day).Add(time.Duration(i)*105*time.Minute + d.within(0, time.Hour))
			d.call(d.rest(Call{Start: at, Number: number(), Talk: d.within(15*time.Minute, 24*time.Minute)}))
		}
	}
}

func manyAccounts(d *attack) {
	number := d.target()
	for i := range 36 {
		c := d.rest(Call{Start: d.at.Add(time.Duration(i)*12*time.Minute + d.within(0, 4*time.Minute)), Number: number(), Talk: d.within(8*time.Minute, 14*time.Minute)})
		c.Extension = d.v.Staff[i%len(d.v.Staff)]
		c.Source = VictimOf(c.Extension, nil).Source
		d.call(c)
	}
}

func manyCountries(d *attack) {
	at := d.at
	for range 30 {
		c := d.rest(Call{Start: at, Number: d.target()(), Talk: d.within(7*time.Minute, 15*time.Minute)})
		d.call(c)
		at = at.Add(c.Ring + c.Talk + d.within(20*time.Second, 2*time.Minute))
	}
}

func islands(d *attack) {
	at := d.at
	for range 16 {
		c := d.rest(Call{Start: at, Number: []string{"+1876555", "+1473444", "+1268464", "+1767448"}[d.IntN(4)] + d.digits(4), Talk: d.within(6*time.Minute, 16*time.Minute)})
		d.call(c)
		at = at.Add(c.Ring + c.Talk + d.within(30*time.Second, 3*time.Minute))
	}
}

func oneLongCall(d *attack) {
	d.call(d.rest(Call{Start: d.at, Number: d.target()(), Talk: d.within(3*time.Hour, 4*time.Hour)}))
}

// prices are retail prices of a Dutch carrier, rounded.
var prices = []struct {
	prefix    string
	perMinute float64
}{
	{"+31", 0.015}, {"+316", 0.045}, {"+31800", 0}, {"+3188", 0.03}, {"+31900", 0.9}, {"+31906", 1.0}, {"+31909", 0.8},
	{"+32", 0.03}, {"+3247", 0.12}, {"+49", 0.02}, {"+4915", 0.09}, {"+44", 0.02}, {"+447", 0.08}, {"+4470", 0.75},
	{"+33", 0.02}, {"+336", 0.08}, {"+1", 0.02}, {"+1876", 0.35}, {"+1473", 0.35}, {"+1268", 0.3}, {"+1767", 0.3}, {"+34", 0.02}, {"+346", 0.09}, {"+41", 0.04}, {"+4179", 0.28}, {"+45", 0.03},
	{"+48", 0.03}, {"+4850", 0.08}, {"+252", 0.85}, {"+371", 0.2}, {"+37190", 1.4}, {"+53", 0.95}, {"+216", 0.75}, {"+232", 0.7},
	{"+223", 0.55}, {"+960", 1.1}, {"+381", 0.35}, {"+675", 0.95}, {"+8816", 5.5}, {"+881", 6.0},
}

// Deck writes the prices as a rate deck.
func Deck() string {
	text := "prefix,description,rate,currency,increment,min,valid_from\n"
	for _, p := range prices {
		text += fmt.Sprintf("%s,,%.4f,EUR,60,0,\n", p.prefix[1:], p.perMinute)
	}
	return text
}
