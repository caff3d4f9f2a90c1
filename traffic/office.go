package traffic

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Extensions of the invented office, in Amsterdam, of which none is the number
// of an emergency service:
//
//	200      reception
//	201-230  staff; every fifth works from home on two days a week
//	231-238  sales, new to Poland from the fifth week on
//	239-241  a night shift that calls carriers in Belgium and Germany
//	242-243  on call: by night and at weekends forwarded to mobiles
//	244-245  a dialler
//	246      fax
//	247      alarm transmitter
//	248      lift
//	249      conference room: meetings of up to three hours
const (
	reception = 200
	firstHome = 201
	lastStaff = 230
	firstSale = 231
	lastSale  = 238
	firstNigh = 239
	lastNight = 241
	firstCall = 242
	lastCall  = 243
	firstDial = 244
	lastDial  = 245
	faxLine   = 246
	alarmLine = 247
	liftLine  = 248
	meeting   = 249
)

// Zone is the office's.
func Zone() (*time.Location, error) { return time.LoadLocation("Europe/Amsterdam") }

// abroad are the countries that the staff calls: share among calls abroad, and
// how a number of it goes on behind its code.
var abroad = []struct {
	share float64
	code  string
	rest  []string // first digits
}{
	{0.36, "+32", []string{"475", "476", "2555", "9222"}},
	{0.30, "+49", []string{"30555", "151234", "89555"}},
	{0.12, "+44", []string{"2079460", "7712"}},
	{0.08, "+33", []string{"142680", "612345"}},
	{0.06, "+1", []string{"212555", "415555"}},
	{0.03, "+34", []string{"915550", "612345"}},
	{0.03, "+41", []string{"445551", "791234"}},
	{0.02, "+45", []string{"3255", "2012"}},
}

// lengths are how many digits a number has behind the country code.
var lengths = map[string]int{"+32475": 9, "+32476": 9, "+322555": 8, "+329222": 8, "+4930555": 9, "+49151234": 11, "+4989555": 9,
	"+442079460": 10, "+447712": 10, "+33142680": 9, "+33612345": 9, "+1212555": 10, "+1415555": 10,
	"+34915550": 9, "+34612345": 9, "+41445551": 9, "+41791234": 9, "+453255": 8, "+452012": 8, "+48501": 9, "+4822555": 9}

// foreign invents a number behind some first digits.
func (d dice) foreign(code, first string) string {
	n := lengths[code+first]
	return code + first + d.digits(n-len(first))
}

// national invents a Dutch number.
func (d dice) national() string {
	switch {
	case d.chance(0.55):
		return "+316" + strconv.Itoa(1+d.IntN(4)) + d.digits(7)
	case d.chance(0.08):
		return "+3188" + d.digits(7)
	case d.chance(0.04):
		return "+31800" + "0" + d.digits(3)
	}
	return "+31" + []string{"20", "10", "30", "70", "40"}[d.IntN(5)] + strconv.Itoa(2+d.IntN(6)) + d.digits(6)
}

// office makes the calls of one office.
type office struct {
	dice
	zone  *time.Location
	start time.Time
	days  int
	shut  map[string]bool // public holidays
	story Story
}

// Office invents the honest traffic of a 50-extension office from the midnight
// of a day on, for so many weeks.
func Office(seed uint64, start time.Time, weeks int) (Story, error) {
	zone, err := Zone()
	if err != nil {
		return Story{}, err
	}
	y, m, day := start.In(zone).Date()
	o := &office{dice: newDice(seed, 1), zone: zone, start: time.Date(y, m, day, 0, 0, 0, 0, zone), days: 7 * weeks,
		shut: map[string]bool{"2026-04-03": true, "2026-04-06": true, "2026-04-27": true, "2026-05-05": true, "2026-12-25": true, "2026-01-01": true}}
	o.logins()
	for ext := firstHome; ext <= lastSale; ext++ {
		o.person(ext)
	}
	o.inbound()
	o.nights()
	o.onCall()
	o.dialler()
	o.machines()
	o.meetings()
	o.emergencies()
	slices.SortStableFunc(o.story.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	slices.SortStableFunc(o.story.Logins, func(a, b Login) int { return a.At.Compare(b.At) })
	return o.story, nil
}

// at is a time of a day, which the change of summer time does not move.
func (o *office) at(day int, hour float64) time.Time {
	y, m, d := o.start.Date()
	return time.Date(y, m, d+day, 0, int(hour*60), int(hour*3600)%60, 0, o.zone)
}

// works says whether the office is open on a day.
func (o *office) works(day int) bool {
	at := o.at(day, 12)
	return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && !o.shut[at.Format(time.DateOnly)]
}

// inHouse and home are where a phone is.
func inHouse(ext int) netip.Addr { return netip.AddrFrom4([4]byte{10, 20, 0, byte(ext - reception)}) }
func home(ext int) netip.Addr    { return netip.AddrFrom4([4]byte{84, 81, byte(ext - reception), 17}) }

const deskPhone, softPhone = "Yealink SIP-T46U 108.86.0.20", "Linphone/5.2.3"

// homeDay says whether somebody works from home on a day.
func homeDay(ext, day int) bool {
	return ext >= firstHome && ext <= lastStaff && ext%5 == 0 && (day%7 == 2 || day%7 == 4)
}

func (o *office) phoneOf(ext, day int) (netip.Addr, string) {
	if homeDay(ext, day) {
		return home(ext), softPhone
	}
	return inHouse(ext), deskPhone
}

// logins: every phone registers each morning, and once more after noon.
func (o *office) logins() {
	for day := range o.days {
		for ext := reception; ext <= meeting; ext++ {
			for _, hour := range []float64{6.5, 13.25} {
				source, agent := o.phoneOf(ext, day)
				o.story.Logins = append(o.story.Logins, Login{At: o.at(day, hour+float64(ext)/500), Extension: strconv.Itoa(ext), Source: source, Agent: agent})
			}
		}
	}
}

func (o *office) call(ext, day int, c Call) {
	c.Extension = strconv.Itoa(ext)
	if c.Path == Out || c.Path == Inside {
		c.Source, c.Agent = o.phoneOf(ext, day)
	}
	o.story.Calls = append(o.story.Calls, c)
}

// contacts are the numbers that somebody calls: most at home, some abroad.
func (o *office) contacts(share float64) (list []string) {
	for range 25 + o.IntN(50) {
		list = append(list, o.contact(share))
	}
	return list
}

// contact is abroad with a share.
func (o *office) contact(share float64) string {
	if !o.chance(share) {
		return o.national()
	}
	x := o.Float64()
	for _, c := range abroad {
		if x -= c.share; x < 0 {
			return o.foreign(c.code, c.rest[o.IntN(len(c.rest))])
		}
	}
	return o.foreign("+32", "475")
}

// person: the working day of somebody at a desk, who has one call at a time.
func (o *office) person(ext int) {
	share, mean := 0.05+0.05*o.Float64(), time.Duration(35+o.IntN(50))*time.Minute
	if ext >= firstSale {
		share, mean = 0.25, 22*time.Minute
	}
	known := o.contacts(share)
	var poles []string
	for range 15 {
		poles = append(poles, o.foreign("+48", []string{"501", "22555"}[o.IntN(2)]))
	}
	for day := range o.days {
		if !o.works(day) || o.chance(0.08) { // ill or away
			continue
		}
		free := o.at(day, 8.2+o.Float64()*0.9)
		leave := o.at(day, 16.6+o.Float64()*1.2)
		lunch := o.at(day, 12.1+o.Float64()*0.5)
		for free = free.Add(o.gap(mean)); free.Before(leave); free = free.Add(o.gap(mean)) {
			if free.After(lunch) && free.Before(lunch.Add(35*time.Minute)) {
				continue
			}
			if o.chance(0.04) {
				known = append(known, o.contact(share))
			}
			number := o.pick(known)
			if ext >= firstSale && ext <= lastSale && day >= 28 && o.chance(0.3) {
				number = o.pick(poles)
			}
			free = o.talk(ext, day, free, number)
		}
		if o.chance(0.02) { // somebody stays late
			o.talk(ext, day, o.at(day, 19+2*o.Float64()), o.pick(known))
		}
	}
}

// talk places a call, and again if it was busy, and says when it is over.
func (o *office) talk(ext, day int, at time.Time, number string) time.Time {
	if o.chance(0.12) {
		c := Call{Start: at, Path: Inside, Dialled: strconv.Itoa(reception + o.IntN(40)), Ring: o.within(2*time.Second, 15*time.Second), Talk: o.seconds(55, 0.9)}
		o.call(ext, day, c)
		return at.Add(c.Ring + c.Talk)
	}
	if o.chance(0.005) {
		c := Call{Start: at, Path: Out, Number: number, Slip: Slip(1 + o.IntN(3)), Ring: 2 * time.Second, Failed: true}
		o.call(ext, day, c)
		at = at.Add(c.Ring + o.within(6*time.Second, 20*time.Second))
	}
	for range 1 + o.IntN(3) {
		c := Call{Start: at, Path: Out, Number: number, Ring: o.within(4*time.Second, 26*time.Second)}
		answered := o.chance(0.74)
		if answered {
			c.Talk = o.seconds(105, 1.0)
			c.Talk = min(c.Talk, 100*time.Minute)
		}
		o.call(ext, day, c)
		at = at.Add(c.Ring + c.Talk)
		if answered {
			break
		}
		at = at.Add(o.within(20*time.Second, 4*time.Minute))
	}
	return at
}

// inbound: customers call in; some from abroad, some ring off.
func (o *office) inbound() {
	callers := o.contacts(0.08)
	for range 150 {
		callers = append(callers, o.contact(0.08))
	}
	for day := range o.days {
		mean := 3 * time.Minute
		if !o.works(day) {
			mean = 50 * time.Minute
		}
		for at := o.at(day, 8).Add(o.gap(mean)); at.Before(o.at(day, 18)); at = at.Add(o.gap(mean)) {
			ext := reception
			if o.chance(0.6) {
				ext = firstHome + o.IntN(lastSale-firstHome+1)
			}
			c := Call{Start: at, Path: In, Caller: o.pick(callers), Ring: o.within(3*time.Second, 24*time.Second)}
			if o.chance(0.05) {
				c.Caller = o.contact(0.08)
			}
			if o.chance(0.03) {
				c.Caller = "" // withheld
			}
			if o.works(day) && o.chance(0.82) {
				c.Talk = o.seconds(140, 0.9)
			}
			o.call(ext, day, c)
		}
	}
}

// nights: a shift that works from ten to six, and calls by night.
func (o *office) nights() {
	for ext := firstNigh; ext <= lastNight; ext++ {
		var known []string
		for range 12 {
			known = append(known, o.foreign("+32", "475"), o.foreign("+49", "30555"), o.national(), o.national())
		}
		for day := range o.days {
			if (day+ext)%7 > 4 {
				continue // two nights off
			}
			end := o.at(day+1, 5.8)
			for at := o.at(day, 22.1).Add(o.gap(40 * time.Minute)); at.Before(end); at = at.Add(o.gap(50 * time.Minute)) {
				at = o.talk(ext, day, at, o.pick(known))
			}
		}
	}
}

// onCall: by night and at weekends some calls from outside are forwarded.
func (o *office) onCall() {
	for ext := firstCall; ext <= lastCall; ext++ {
		mobile := "+316" + "2" + o.digits(7)
		for day := range o.days {
			for range o.IntN(3) {
				hour := 18.2 + 11*o.Float64()
				o.call(ext, day, Call{Start: o.at(day, hour), Path: Diverted, Number: mobile, Caller: o.national(),
					Ring: o.within(5*time.Second, 20*time.Second), Talk: o.seconds(130, 0.7)})
			}
		}
	}
}

// dialler: campaigns of many short calls at home, several at once.
func (o *office) dialler() {
	var campaign []string
	for range 6000 {
		campaign = append(campaign, o.national())
	}
	for ext := firstDial; ext <= lastDial; ext++ {
		for day := range o.days {
			if !o.works(day) || day%7 == 4 {
				continue
			}
			for at := o.at(day, 9.5); at.Before(o.at(day, 16.5)); at = at.Add(18*time.Second + o.gap(25*time.Second)) {
				c := Call{Start: at, Path: Out, Number: campaign[o.IntN(len(campaign))], Ring: o.within(5*time.Second, 22*time.Second)}
				if o.chance(0.35) {
					c.Talk = o.seconds(40, 0.8)
				}
				o.call(ext, day, c)
			}
		}
	}
}

// machines: a fax that sends at any hour, an alarm transmitter that reports
// each night, a lift that tests its line every three days.
func (o *office) machines() {
	var fax []string
	for range 20 {
		fax = append(fax, o.contact(0.15))
	}
	alarm, lift := o.national(), o.national()
	for day := range o.days {
		if o.works(day) {
			for range o.IntN(6) {
				o.call(faxLine, day, Call{Start: o.at(day, 7.5+12*o.Float64()), Path: Out, Number: o.pick(fax), Ring: 6 * time.Second, Talk: o.seconds(70, 0.5)})
			}
		}
		o.call(alarmLine, day, Call{Start: o.at(day, 3.25), Path: Out, Number: alarm, Ring: 3 * time.Second, Talk: 22 * time.Second})
		if day%3 == 0 {
			o.call(liftLine, day, Call{Start: o.at(day, 4.5), Path: Out, Number: lift, Ring: 4 * time.Second, Talk: 35 * time.Second})
		}
	}
}

// meetings: the conference room dials into bridges at home and abroad.
func (o *office) meetings() {
	bridges := []string{o.national(), o.foreign("+44", "2079460"), o.foreign("+49", "30555"), o.foreign("+1", "212555")}
	for day := range o.days {
		if !o.works(day) || !o.chance(0.7) {
			continue
		}
		c := Call{Start: o.at(day, 9+0.5*float64(o.IntN(11))), Path: Out, Number: o.pick(bridges), Ring: 4 * time.Second}
		c.Talk = o.within(25*time.Minute, 3*time.Hour)
		o.call(meeting, day, c)
	}
}

// emergencies: now and then somebody needs help, at any hour, and calls twice.
func (o *office) emergencies() {
	for range 8 {
		day, ext := o.IntN(o.days), reception+o.IntN(50)
		at := o.at(day, 24*o.Float64())
		for range 1 + o.IntN(2) {
			c := Call{Start: at, Path: Out, Dialled: "112", Ring: 3 * time.Second, Talk: o.seconds(240, 0.8)}
			o.call(ext, day, c)
			at = at.Add(c.Ring + c.Talk + 20*time.Second)
		}
	}
}
