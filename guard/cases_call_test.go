package guard

import (
	"fmt"
	"net/netip"
	"regexp"
	"time"
)

// atlasOf says where addresses are.
type atlasOf map[string]Place

func (m atlasOf) Locate(a netip.Addr) (Place, bool) {
	p, ok := m[network(a)]
	return p, ok
}

var world = atlasOf{
	"198.51.100.0/24": {Country: "NL", Lat: 52.4, Lon: 4.9, Exact: true},
	"203.0.113.0/24":  {Country: "SN", Lat: 14.7, Lon: -17.4, Exact: true},
	"192.0.2.0/24":    {Country: "NL", Lat: 52.1, Lon: 5.1, Exact: true},
}

const (
	office1 = "198.51.100.7:5060"
	office2 = "198.51.100.9:5060"
	dakar   = "203.0.113.5:5060"
)

// login proves the password of 100.
func (r *rig) login(from, agent string) {
	r.feed(Event{Kind: AuthOK, Account: ext("100"), Service: "PJSIP", Source: addrPort(from), Session: from, Agent: agent})
}

func (r *rig) register(from string) {
	r.login(from, "")
	r.feed(Event{Kind: Registered, Account: ext("100"), Service: "PJSIP", Source: addrPort(from)})
}

// known is a memory in which 100 has long been used from the office.
func known() Memory {
	m := called("DE")
	for what, key := range map[what]string{seenNetwork: "198.51.100.0/24", seenAgent: "Yealink T54W", seenPlace: "NL"} {
		m.Seen = append(m.Seen, Seen{Account: ext("100"), What: string(what), Key: key, First: wednesday.AddDate(0, 0, -60), Last: wednesday.AddDate(0, 0, -1), Days: 40})
	}
	m.Seen = append(m.Seen, Seen{Account: ext("100"), What: "network", Key: "*", First: wednesday.AddDate(0, 0, -60), Last: wednesday.AddDate(0, 0, -1), Days: 40})
	return m
}

// roamer is known, and has been in n networks within the month.
func roamer(n int) Memory {
	m := known()
	for i := range n - 1 {
		m.Seen = append(m.Seen, Seen{Account: ext("100"), What: "network", Key: fmt.Sprintf("192.0.%d.0/24", 10+i),
			First: wednesday.AddDate(0, 0, -20-i), Last: wednesday.AddDate(0, 0, -i-2), Days: 2})
	}
	return m
}

func fails(r *rig, n int, from, agent string) {
	for i := range n {
		r.feed(Event{Kind: AuthFailed, Account: ext("100"), Service: "PJSIP", Source: addrPort(from), Session: fmt.Sprint(i), Agent: agent, Proof: Path})
	}
}

func takeoverCases() []ruleCase {
	atlas := func(p *Policy) { p.Atlas = world }
	return []ruleCase{
		{"unregistered", "called from elsewhere than registered", Kill, nil, Memory{}, func(r *rig) {
			r.register(office1)
			r.wait(time.Minute)
			r.login(dakar, "")
			r.place("100", home)
		}},
		{"unregistered", "called from where it is registered", Allow, nil, Memory{}, func(r *rig) {
			r.register(office1)
			r.wait(time.Minute)
			r.login(office1, "")
			r.place("100", home)
		}},
		{"unregistered", "once more", Lock, nil, Memory{}, func(r *rig) {
			r.register(office1)
			for i := range 2 {
				r.wait(time.Minute)
				r.login(fmt.Sprintf("203.0.113.%d:5060", i+1), "")
				r.end(flip(r.place("100", home)))
			}
		}},
		{"new-source", "a new network and agent", Lock, both(learns, atlas), known(), func(r *rig) {
			r.login(dakar, "sipcli")
			r.place("100", "004930123456")
		}},
		{"new-source", "the usual network", Allow, both(learns, atlas), known(), func(r *rig) {
			r.login(office2, "Yealink T54W")
			r.place("100", "004930123456")
		}},
		{"new-source", "a new network, to where it usually calls", Allow, learns, known(), func(r *rig) {
			r.login(dakar, "")
			r.place("100", "004930123456")
		}},
		{"travel", "Amsterdam and Dakar within the hour", Alert, atlas, Memory{}, func(r *rig) {
			r.login(office1, "")
			r.wait(30 * time.Minute)
			r.login(dakar, "")
			r.place("100", home)
		}},
		{"travel", "Amsterdam and Utrecht within the hour", Allow, atlas, Memory{}, func(r *rig) {
			r.login(office1, "")
			r.wait(30 * time.Minute)
			r.login("192.0.2.5:5060", "")
			r.place("100", home)
		}},
		{"travel", "Amsterdam and Dakar, then abroad", Lock, atlas, Memory{}, func(r *rig) {
			r.login(office1, "")
			r.wait(30 * time.Minute)
			r.login(dakar, "")
			r.place("100", somalia)
		}},
		{"travel", "a telephone that moves about", Note, atlas, roamer(5), func(r *rig) {
			r.login(office1, "")
			r.wait(30 * time.Minute)
			r.login(dakar, "")
			r.place("100", somalia)
		}},
		{"travel", "one that was in four networks", Lock, atlas, roamer(4), func(r *rig) {
			r.login(office1, "")
			r.wait(30 * time.Minute)
			r.login(dakar, "")
			r.place("100", somalia)
		}},
		{"new-source", "a new network and agent of who moves about", Allow, learns, roamer(5), func(r *rig) {
			r.login(dakar, "Linphone")
			r.place("100", "004930123456")
		}},
		{"no-password", "let in by its address", Kill, nil, Memory{}, func(r *rig) { r.out(r.opened(true), home) }},
		{"no-password", "let in by its password", Allow, nil, Memory{}, func(r *rig) { r.out(r.opened(false), home) }},
		{"manager-call", "abroad", Kill, nil, Memory{}, func(r *rig) { r.originate(somalia) }},
		{"manager-call", "at home", Allow, nil, Memory{}, func(r *rig) { r.originate(home) }},
		{"manager-login", "a wrong password", Alert, nil, Memory{}, func(r *rig) {
			r.feed(Event{Kind: AuthFailed, Account: ext("admin"), Service: "AMI", Source: addrPort(dakar), Proof: Path})
		}},
		{"manager-login", "a wrong password of a phone", Allow, nil, Memory{}, func(r *rig) { fails(r, 1, dakar, "") }},
		{"auth", "five wrong passwords", Kill, nil, Memory{}, func(r *rig) { fails(r, 5, dakar, "") }},
		{"auth", "four wrong passwords", Allow, nil, Memory{}, func(r *rig) { fails(r, 4, dakar, "") }},
		{"auth", "ten wrong passwords within an hour", Kill, nil, Memory{}, plodding(10, 5*time.Minute+30*time.Second)},
		{"auth", "nine wrong passwords within an hour", Allow, nil, Memory{}, plodding(9, 5*time.Minute+30*time.Second)},
		{"auth", "twenty wrong passwords within a day", Kill, nil, Memory{}, plodding(20, 50*time.Minute)},
		{"auth", "nineteen wrong passwords within a day", Allow, nil, Memory{}, plodding(19, 50*time.Minute)},
		{"auth", "twenty wrong passwords, and most of them yesterday", Allow, nil, Memory{}, plodding(20, 100*time.Minute)},
		{"auth", "three accounts that do not exist", Kill, nil, Memory{}, nobodies("997", "998", "999")},
		{"auth", "two accounts that do not exist", Allow, nil, Memory{}, nobodies("997", "998", "998")},
		{"auth", "one that does not exist, three times", Allow, nil, Memory{}, nobodies("999", "999", "999")},
		{"auth", "an address instead of the domain", Kill, nil, Memory{}, at("pbx.example", "203.0.113.80")},
		{"auth", "the right domain", Allow, nil, Memory{}, at("pbx.example", "pbx.example")},
		{"auth", "an address where that is the domain", Allow, nil, Memory{}, at("203.0.113.80", "203.0.113.80")},
		{"scanner", "it says so", Alert, nil, Memory{}, func(r *rig) { fails(r, 1, dakar, "friendly-scanner") }},
		{"scanner", "at a FreeSWITCH, it says nothing", Alert, nil, Memory{}, func(r *rig) {
			r.feed(Event{Kind: AuthFailed, Account: ext("100"), Service: "sofia", Source: addrPort(dakar), Session: "1"})
		}},
		{"scanner", "a phone", Allow, nil, Memory{}, func(r *rig) { fails(r, 1, dakar, "Yealink SIP-T54W") }},
		{"auth-known", "from where somebody has logged in", Alert, nil, Memory{}, func(r *rig) {
			r.feed(Event{Kind: AuthOK, Account: ext("101"), Service: "PJSIP", Source: addrPort(dakar), Session: "ok", Proof: Path})
			fails(r, 5, dakar, "")
		}},
		{"auth-known", "from where nobody has", Allow, nil, Memory{}, func(r *rig) { fails(r, 5, dakar, "") }},
		{"guessed", "right after four wrong ones", Alert, nil, Memory{}, func(r *rig) { fails(r, 4, dakar, ""); r.login(dakar, "") }},
		{"guessed", "right after one wrong one", Allow, nil, Memory{}, func(r *rig) { fails(r, 1, dakar, ""); r.login(dakar, "") }},
		{"guessed", "five wrong ones of its network, within a day", Alert, nil, Memory{}, func(r *rig) {
			for i := range 5 {
				fails(r, 1, fmt.Sprintf("203.0.113.%d:5060", 70+i), "")
				r.wait(time.Hour)
			}
			r.login(dakar, "")
		}},
		{"guessed", "four wrong ones of its network, within a day", Allow, nil, Memory{}, func(r *rig) {
			for i := range 4 {
				fails(r, 1, fmt.Sprintf("203.0.113.%d:5060", 70+i), "")
				r.wait(time.Hour)
			}
			r.login(dakar, "")
		}},
		{"guessed", "five wrong ones of elsewhere, within a day", Alert, nil, Memory{}, func(r *rig) {
			for i := range 5 {
				fails(r, 1, fmt.Sprintf("192.0.%d.1:5060", i), "")
				r.wait(time.Hour)
			}
			r.login(dakar, "")
		}},
		{"spray", "twenty of two addresses within an hour", Alert, nil, Memory{}, ofTwo(20)},
		{"spray", "nineteen of two addresses within an hour", Allow, nil, Memory{}, ofTwo(19)},
		{"spray", "from five addresses", Alert, nil, Memory{}, func(r *rig) { spray(r, 5) }},
		{"spray", "from four addresses", Allow, nil, Memory{}, func(r *rig) { spray(r, 4) }},
		{"scan", "ten accounts", Kill, nil, Memory{}, func(r *rig) { scan(r, 10) }},
		{"scan", "nine accounts", Allow, nil, Memory{}, func(r *rig) { scan(r, 9) }},
		{"night-forward", "registered and forwarded at night", Alert, nil, Memory{}, func(r *rig) {
			r.wait(untilNight)
			r.register(dakar)
			r.feed(Event{Kind: ForwardSet, Account: ext("100"), Number: somalia, Exten: "CF"})
		}},
		{"night-forward", "registered and forwarded by day", Allow, nil, Memory{}, func(r *rig) {
			r.register(dakar)
			r.feed(Event{Kind: ForwardSet, Account: ext("100"), Number: somalia, Exten: "CF"})
		}},
	}
}

// plodding is n wrong passwords of one address, a gap apart.
func plodding(n int, gap time.Duration) func(*rig) {
	return func(r *rig) {
		for range n {
			fails(r, 1, dakar, "")
			r.wait(gap)
		}
	}
}

// ofTwo is n wrong passwords of two addresses that take turns, within an hour.
func ofTwo(n int) func(*rig) {
	return func(r *rig) {
		r.s.policy.Bans.Hourly = 0
		for i := range n {
			fails(r, 1, fmt.Sprintf("203.0.113.%d:5060", i%2+1), "")
			r.wait(150 * time.Second)
		}
	}
}

func nobodies(names ...string) func(*rig) {
	return func(r *rig) {
		for i, name := range names {
			r.feed(Event{Kind: AuthFailed, Account: ext(name), Service: "SIP", Source: addrPort(dakar), Session: fmt.Sprint(i), Unknown: true, Proof: Path})
			r.wait(20 * time.Second)
		}
	}
}

// at has a phone log in at one domain, and a stranger fail at another.
func at(domain, other string) func(*rig) {
	return func(r *rig) {
		r.feed(Event{Kind: AuthOK, Account: Account{PBX: "a", Domain: domain, Name: "100"}, Service: "sofia", Source: addrPort(office1), Session: "1", Agent: "Yealink"})
		r.feed(Event{Kind: AuthFailed, Account: Account{PBX: "a", Domain: other, Name: "100"}, Service: "sofia", Source: addrPort(dakar), Session: "2", Agent: "Yealink"})
	}
}

func spray(r *rig, n int) {
	for i := range n {
		fails(r, 1, fmt.Sprintf("203.0.113.%d:5060", i+1), "")
	}
}

func scan(r *rig, n int) {
	for i := range n {
		r.feed(Event{Kind: AuthChallenged, Account: ext(fmt.Sprint(200 + i)), Service: "PJSIP", Source: addrPort(dakar), Session: fmt.Sprint(i), Proof: Path})
	}
	r.wait(3 * time.Second)
}

// opened starts a call of an extension that needed no password, or did.
func (r *rig) opened(open bool) LegID {
	r.feed(Event{Kind: LegStarted, Leg: "open", Call: "open", Channel: "PJSIP/100-1", Account: ext("100"), Number: home, Open: open})
	return "open"
}

func (r *rig) originate(number string) {
	r.feed(Event{Kind: LegStarted, Leg: "o", Call: "o", Channel: "PJSIP/101-1", Account: ext("101")})
	r.feed(Event{Kind: LegDialling, Other: "o", OtherCall: "o", OtherAccount: ext("101"), Number: "101"})
	r.out("o", number)
}

// rings starts a call from outside that shows a number; no two are the same leg.
func (r *rig) rings(caller, did string) LegID {
	r.serial++
	id := LegID(fmt.Sprintf("in%d", r.serial))
	r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(id), Channel: fmt.Sprintf("PJSIP/trunk-%x", r.serial), Account: ext("trunk"), Number: did, Caller: caller})
	return id
}

// forwardedCall comes in for 101, whose calls go to a number.
func (r *rig) forwardedCall(caller, number string) {
	in := r.rings(caller, "31205550101")
	two := r.local(in, "101", number)
	r.end(r.out(two, number), two, r.s.sites["a"].legs[two].other().id, in)
}

func diversionCases() []ruleCase {
	services := func(p *Policy) { p.PBXs["a"].Services = regexp.MustCompile(`^199$`) }
	mailbox := func(caller string) func(*rig) {
		return func(r *rig) {
			r.end(r.rings(caller, "31205550101"))
			r.wait(time.Hour)
			leg := r.phone("100", "199")
			r.out(leg, somalia)
		}
	}
	pins := func(n int, caller func(int) string) func(*rig) {
		return func(r *rig) {
			for i := range n {
				r.feed(Event{Kind: PINFailed, Account: ext("101"), Caller: caller(i)})
			}
		}
	}
	loops := func(n int) func(*rig) {
		return func(r *rig) {
			leg := r.inbound("31205550101")
			for i := range n {
				r.registered(fmt.Sprint(101 + i))
				leg = r.local(leg, fmt.Sprint(101+i), fmt.Sprint(102+i))
			}
			r.out(leg, home)
		}
	}
	return []ruleCase{
		{"diverted", "to Somalia", Kill, nil, Memory{}, func(r *rig) { r.forwardedCall("31301234567", somalia) }},
		{"diverted", "to a mobile at home", Allow, nil, Memory{}, func(r *rig) { r.forwardedCall("31301234567", "0612345678") }},
		{"forward-pumped", "one caller, twice", Lock, nil, Memory{}, func(r *rig) {
			r.forwardedCall("", somalia)
			r.forwardedCall("", somalia)
		}},
		{"forward-pumped", "two callers, once each", Allow, nil, Memory{}, func(r *rig) {
			r.forwardedCall("31301234567", somalia)
			r.forwardedCall("31401234567", somalia)
		}},
		{"feature-number", "*72 and Somalia", Kill, nil, Memory{}, func(r *rig) { r.phone("100", "*72"+somalia) }},
		{"feature-number", "*72 and home", Allow, nil, Memory{}, func(r *rig) { r.phone("100", "*72"+home) }},
		{"outside-transfer", "by the party outside", Kill, nil, Memory{}, transfer("trunk")},
		{"outside-transfer", "by the extension", Allow, nil, Memory{}, transfer("101")},
		{"dial-through", "from outside to outside", Kill, nil, Memory{}, func(r *rig) { r.out(r.rings("31301234567", "31205550600"), somalia) }},
		{"dial-through", "where it may", Allow, func(p *Policy) { p.PBXs["a"].DialThrough = regexp.MustCompile(`^31205550600$`) }, Memory{}, func(r *rig) { r.out(r.rings("31301234567", "31205550600"), somalia) }},
		{"voicemail-callback", "who has called", Kill, services, Memory{}, mailbox("25261234567")},
		{"voicemail-callback", "who has not", Allow, services, Memory{}, mailbox("25261234568")},
		{"pin-guessing", "three of one caller", Alert, nil, Memory{}, pins(3, func(int) string { return "31301234567" })},
		{"pin-guessing", "three callers, once each", Allow, nil, Memory{}, pins(3, each("3130123456%d"))},
		{"pin-guessing", "five on one mailbox", Alert, nil, Memory{}, pins(5, each("3130123456%d"))},
		{"loop", "sent on four times", Kill, nil, Memory{}, loops(4)},
		{"loop", "sent on three times", Allow, nil, Memory{}, loops(3)},
	}
}

// transfer is a call from outside to 101 that one of the two sends on.
func transfer(by string) func(*rig) {
	return func(r *rig) {
		in := r.inbound("31205550101")
		phone := r.ring(in, "101", "101")
		r.answer(phone, in)
		sent, sender := phone, in
		if by == "101" {
			sent, sender = in, phone
		}
		r.feed(Event{Kind: LegTransferred, Leg: sent, Other: sender, Account: ext(by), Number: somalia})
		r.end(sender)
		r.out(sent, somalia)
	}
}

func callerCases() []ruleCase {
	own := func(p *Policy) { p.PBXs["a"].Own = regexp.MustCompile(`^\+3120555\d{4}$`) }
	foreign := func(p *Policy) { p.PBXs["a"].Foreign = regexp.MustCompile(`^trunk$`) }
	ring := func(caller string) func(*rig) { return func(r *rig) { r.rings(caller, "31205550101") } }
	lure := func(n int, up time.Duration) func(*rig) {
		return func(r *rig) {
			for i := range n {
				in := r.rings(fmt.Sprintf("2526123456%d", i), fmt.Sprintf("3120555010%d", i))
				r.wait(up)
				r.end(in)
			}
		}
	}
	shows := func(caller string) func(*rig) {
		return func(r *rig) {
			leg := r.phone("100", home)
			r.serial++
			id := LegID(fmt.Sprintf("1.%d", r.serial))
			r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(leg), Channel: "PJSIP/trunk-1", Account: ext("trunk")})
			r.feed(Event{Kind: LegDialling, Leg: leg, Call: CallID(leg), Other: id, OtherCall: CallID(leg), OtherAccount: ext("trunk"), Number: home, Exten: home, ToTrunk: true, Caller: caller})
		}
	}
	verified := func(v string) func(*rig) {
		return func(r *rig) {
			r.feed(Event{Kind: LegStarted, Leg: "v", Call: "v", Channel: "PJSIP/trunk-1", Account: ext("trunk"), Number: "31205550101", Caller: "31301234567", Verified: v})
		}
	}
	sweeps := func(n int) func(*rig) {
		return func(r *rig) {
			for i := range n {
				r.end(r.rings("31301234567", fmt.Sprintf("312055501%02d", i)))
			}
		}
	}
	tollFree := func(at, up time.Duration) func(*rig) {
		return func(r *rig) {
			r.wait(at)
			in := r.rings("31301234567", "08001234")
			r.answer(in)
			r.wait(up)
			r.end(in)
		}
	}
	coach := func(up time.Duration) func(*rig) {
		return func(r *rig) {
			in := r.rings("31301234567", "31205550100")
			r.answer(r.ring(in, "100", "100"), in)
			r.wait(up)
			r.endEverything()
			r.wait(time.Minute)
			r.place("100", home)
		}
	}
	bank := withList(PaymentNumbers, "+3120")
	return []ruleCase{
		{"wangiri", "three of our numbers", Alert, nil, Memory{}, lure(3, 3*time.Second)},
		{"wangiri", "two of our numbers", Allow, nil, Memory{}, lure(2, 3*time.Second)},
		{"wangiri", "three of our numbers, rung for long", Allow, nil, Memory{}, lure(3, 20*time.Second)},
		{"call-back", "who rang around", Kill, wangiriToo, Memory{}, func(r *rig) { lure(3, 3*time.Second)(r); r.place("100", "0025261234999") }},
		{"call-back", "who called and talked", Allow, wangiriToo, Memory{}, func(r *rig) { lure(3, 20*time.Second)(r); r.place("100", "0025261234999") }},
		{"call-back-dear", "a personal number", Alert, nil, Memory{}, func(r *rig) { r.end(r.rings("0841234567", "31205550101")); r.place("100", "0841234567") }},
		{"call-back-dear", "a fixed line", Allow, nil, Memory{}, func(r *rig) { r.end(r.rings(home, "31205550101")); r.place("100", home) }},
		{"own-number-in", "our own number", Alert, own, Memory{}, ring("31205550100")},
		{"own-number-in", "somebody's number", Allow, own, Memory{}, ring("31205560100")},
		{"own-number-in", "an extension", Alert, own, Memory{}, ring("100")},
		{"impossible-caller", "too short", Alert, nil, Memory{}, ring("+3120123456")},
		{"impossible-caller", "as it should be", Allow, nil, Memory{}, ring("+31201234567")},
		{"impossible-caller", "a premium number", Alert, nil, Memory{}, ring(premium)},
		{"home-caller-abroad", "from abroad", Alert, foreign, Memory{}, ring("+31301234567")},
		{"home-caller-abroad", "over a trunk at home", Allow, nil, Memory{}, ring("+31301234567")},
		{"silent-caller", "a bank's line", Alert, withList(SilentNumbers, "+31301"), Memory{}, ring("+31301234567")},
		{"silent-caller", "another number", Allow, withList(SilentNumbers, "+31302"), Memory{}, ring("+31301234567")},
		{"unverified-caller", "failed", Alert, nil, Memory{}, verified("failed")},
		{"unverified-caller", "verified", Allow, nil, Memory{}, verified("A")},
		{"caller-id-out", "somebody's number", Kill, own, Memory{}, shows("0301234567")},
		{"caller-id-out", "our own number", Allow, own, Memory{}, shows("0205550100")},
		{"withdrawn-in", "withdrawn", Alert, withList(WithdrawnNumbers, "+31301"), Memory{}, ring("+31301234567")},
		{"withdrawn-in", "another number", Allow, withList(WithdrawnNumbers, "+31302"), Memory{}, ring("+31301234567")},
		{"sweep", "twenty of our numbers", Alert, nil, Memory{}, sweeps(20)},
		{"sweep", "nineteen of our numbers", Allow, nil, Memory{}, sweeps(19)},
		{"pumping", "for an hour at night", Alert, nil, Memory{}, tollFree(untilNight, 61*time.Minute)},
		{"pumping", "for an hour by day", Allow, nil, Memory{}, tollFree(0, 61*time.Minute)},
		{"bank-after-stranger", "after 16 minutes", Note, bank, Memory{}, coach(16 * time.Minute)},
		{"bank-after-stranger", "after 14 minutes", Allow, bank, Memory{}, coach(14 * time.Minute)},
	}
}

// managers log in to the manager interface one after the other.
func managers(gap time.Duration, names ...string) func(*rig) {
	return func(r *rig) {
		for _, name := range names {
			r.feed(Event{Kind: AuthOK, Account: ext(name), Service: "AMI", Source: addrPort("198.51.100.7:40000"), Session: name, Proof: Path})
			r.wait(gap)
		}
	}
}

// wangiriToo has the rule on that marks prefixes.
func wangiriToo(p *Policy) {
	normal := DefaultSettings()
	p.Default.Set[setWangiri] = normal[setWangiri]
}

func guardCases() []ruleCase {
	ended := func(n int) func(*rig) {
		return func(r *rig) {
			for i := range n {
				r.end(r.phone("100", fmt.Sprintf("0025261234%03d", i)))
			}
			r.phone("100", somalia)
		}
	}
	foreign := func(p *Policy) { p.Default.CountryAction = Kill; p.Default.Countries = map[string]bool{} }
	return []ruleCase{
		{"repeat", "three were ended", Lock, foreign, Memory{}, ended(3)},
		{"repeat", "one was ended", Allow, foreign, Memory{}, ended(1)},
		{"locked", "from anywhere", Kill, nil, Memory{Bars: []Bar{{Account: ext("100"), At: wednesday, Reason: "test"}}}, func(r *rig) { r.place("100", home) }},
		{"locked", "not locked", Allow, nil, Memory{}, func(r *rig) { r.place("100", home) }},
		{"locked", "a locked account that calls at home", Allow, nil, Memory{Bars: []Bar{{Account: ext("100"), At: wednesday, Scope: BarSpent}}}, func(r *rig) { r.place("100", home) }},
		{"locked", "a locked account that calls abroad", Kill, nil, Memory{Bars: []Bar{{Account: ext("100"), At: wednesday, Scope: BarSpent, Reason: "test"}}}, func(r *rig) { r.place("100", somalia) }},
		{"blind", "no connection for six seconds", Alert, nil, Memory{}, func(r *rig) { r.feed(Event{Kind: Disconnected}); r.wait(7 * time.Second) }},
		{"blind", "no connection for three seconds", Allow, nil, Memory{}, func(r *rig) {
			r.feed(Event{Kind: Disconnected})
			r.wait(3 * time.Second)
			r.feed(Event{Kind: Connected})
			r.wait(time.Minute)
		}},
		{"blind", "events lost", Alert, nil, Memory{}, func(r *rig) { r.feed(Event{Kind: Shed, Count: 7}) }},
		{"blind", "an event comes late", Alert, nil, Memory{}, func(r *rig) {
			r.wait(time.Minute)
			r.feed(Event{Kind: LegAnswered, Leg: "1", At: r.now.Add(-3 * time.Second)})
		}},
		{"pbx-changed", "started again", Alert, nil, Memory{}, func(r *rig) { r.feed(Event{Kind: PBXChanged, Number: "started again"}) }},
		{"pbx-changed", "an endpoint out of nowhere", Alert, nil, Memory{}, func(r *rig) {
			r.feed(Event{Kind: LegStarted, Leg: "x", Call: "x", Channel: "PJSIP/odd-1", Account: ext("odd"), Number: "100"})
		}},
		{"pbx-changed", "a new user of the manager interface", Alert, nil, Memory{}, managers(25*time.Hour, "pbxguard", "backdoor")},
		{"pbx-changed", "users of the manager interface on the first day", Allow, nil, Memory{}, managers(time.Hour, "pbxguard", "panel")},
		{"pbx-changed", "the same user of the manager interface", Allow, nil, Memory{}, managers(25*time.Hour, "pbxguard", "pbxguard")},
		{"pbx-changed", "fifty calls without a word about a login", Alert, nil, Memory{}, func(r *rig) {
			r.login(office1, "")
			many(50, each("02012345%02d"), "100", "101")(r)
		}},
		{"pbx-changed", "forty-nine calls without a word about a login", Allow, nil, Memory{}, func(r *rig) {
			r.login(office1, "")
			many(49, each("02012345%02d"), "100", "101")(r)
		}},
		{"pbx-changed", "fifty calls where logins were never told", Allow, nil, Memory{}, many(50, each("02012345%02d"), "100", "101")},
		{"pbx-changed", "an endpoint that is known", Allow, nil, Memory{}, func(r *rig) { r.rings("31301234567", "31205550101") }},
	}
}
