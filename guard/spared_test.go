package guard

import (
	"fmt"
	"testing"
	"time"
)

// atWorkAt is a memory in which the PBX is busy at some hours of every working
// day, and has usually called a country.
func atWorkAt(country string, hours ...int) Memory {
	var m Memory
	for day := 28; day >= 1; day-- {
		wall := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -day)
		if wall.Weekday() == time.Saturday || wall.Weekday() == time.Sunday {
			continue
		}
		for _, hour := range hours {
			m.Hours = append(m.Hours, Hour{Account: Account{PBX: "a"}, At: wall.Add(time.Duration(hour) * time.Hour), Calls: 40, Numbers: 30, Peak: 1})
		}
	}
	m.Seen = append(m.Seen, Seen{Account: Account{PBX: "a"}, What: "pbx-country", Key: country, First: wednesday.AddDate(0, 0, -30), Last: wednesday.AddDate(0, 0, -1), Days: 9})
	return m
}

// numberOften is atWorkAt, and the PBX has called a number on several days.
func numberOften(number string) Memory {
	m := atWorkAt("DE", 10, 11, 14)
	m.Seen = append(m.Seen, Seen{Account: Account{PBX: "a"}, What: "number", Key: number, First: wednesday.AddDate(0, 0, -9), Last: wednesday.AddDate(0, 0, -2), Days: 3})
	return m
}

// evening lets it become 21:30 by the wall first.
func evening(f func(*rig)) func(*rig) {
	return func(r *rig) {
		r.wait(9*time.Hour + 30*time.Minute)
		f(r)
	}
}

// TestWhatIsSpared: what honest people do is told at most, and the smallest
// step further is ended.
func TestWhatIsSpared(t *testing.T) {
	const berlin = "0049301234567"
	office := func() Memory { return atWorkAt("DE", 9, 10, 11, 14, 15, 16) }
	german := each("004930123456%d")
	for _, c := range []ruleCase{
		{"hours", "a PBX that works at that hour", Allow, learns, atWorkAt("DE", 10, 21), evening(talking(somalia, time.Minute))},
		{"hours", "a PBX that does not", Kill, learns, office(), evening(talking(somalia, time.Minute))},
		{"hours", "somebody late, to where the PBX calls", Alert, learns, office(), evening(tries(2, time.Minute, time.Minute, 16, german))},
		{"hours", "again and again", Kill, learns, office(), evening(tries(3, time.Minute, time.Minute, 16, german))},
		{"hours", "a number that is called on other days", Alert, learns, numberOften("+252612345678"), evening(talking("00252612345678", time.Minute))},
		{"hours", "its neighbour", Kill, learns, numberOften("+252612345678"), evening(talking("00252612345679", time.Minute))},
		{"first-country", "somebody late, to where the PBX calls", Alert, learns, office(), evening(talking(berlin, time.Minute))},
		{"first-country", "somebody late, to elsewhere", Kill, learns, office(), evening(talking(somalia, time.Minute))},
		{"first-country", "two countries in a day", Alert, learns, office(), inTurn(talking("00252612345678", time.Minute), talking("0022377123456", time.Minute))},
		{"first-country", "three countries in a day", Kill, learns, office(), inTurn(talking("00252612345678", time.Minute), talking("0022366123456", time.Minute), talking("0067570123456", time.Minute))},
		{"destination", "one digit too many at home", Alert, learns, office(), talking("06123456789", time.Minute)},
		{"destination", "noise", Alert, learns, office(), talking("0612", time.Minute)},
		{"destination", "a good deal of noise", Kill, learns, office(), tries(3, time.Minute, 0, 1, each("99871%d"))},
		{"guessing", "one digit too many, where the PBX calls", Alert, learns, usually("GB"), talking("004420794606694", time.Minute)},
		{"guessing", "a prefix in front of a number abroad", Kill, learns, office(), talking("9900252612345678", time.Minute)},
		{"unallocated", "in office hours, where the PBX calls", Alert, learns, usually("FR"), talking("003314268903", time.Minute)},
		{"unallocated", "three of them", Kill, learns, usually("FR"), tries(3, time.Minute, 0, 1, each("00331426890%d"))},
		{"unallocated", "in the evening", Kill, learns, usually("FR"), evening(talking("003314268901234", time.Minute))},
		{"abroad-hour", "in office hours", Alert, learns, office(), talking(somalia, 40*time.Minute)},
		{"abroad-hour", "in the evening", Kill, learns, office(), evening(talking(somalia, 40*time.Minute))},
		{"abroad-hour", "in the evening, while nothing is known", Alert, learns, Memory{}, evening(talking(somalia, 40*time.Minute))},
		{"abroad-hour", "at once with another, while nothing is known", Kill, learns, Memory{}, evening(inTurn(stays("00252612345678"), talking(somalia, 58*time.Minute)))},
		{"duration-abroad", "in office hours, where the PBX calls", Alert, learns, office(), talking(berlin, 3*time.Hour)},
		{"duration-abroad", "in office hours, where nobody calls", Kill, learns, office(), talking(somalia, 121*time.Minute)},
		{"duration-abroad", "in office hours, for an hour", Alert, learns, office(), talking(somalia, 119*time.Minute)},
		{"same-range", "two numbers", Alert, learns, Memory{}, tries(3, time.Minute, 21*time.Minute, 16, each("0025261234560%d"))},
		{"same-range", "by one that knows the PBX", Kill, learns, office(), tries(3, time.Minute, 21*time.Minute, 16, each("0025261234560%d"))},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			if d, _ := c.play(t); d.Action != c.want {
				t.Errorf("got %s (%s), want %s", d.Action, d.Reason, c.want)
			}
		})
	}
}

// usually is a PBX that usually calls a country.
func usually(country string) Memory { return atWorkAt(country, 9, 10, 11, 14, 15, 16) }

// inTurn does one after the other.
func inTurn(fs ...func(*rig)) func(*rig) {
	return func(r *rig) {
		for _, f := range fs {
			f(r)
		}
	}
}

// stays begins a call that stays up.
func stays(number string) func(*rig) {
	return func(r *rig) {
		a, b := r.place("100", number)
		r.answer(b, a)
	}
}

// TestRangeIsRemembered: what calls to a range were ended for holds the next day,
// from any extension.
func TestRangeIsRemembered(t *testing.T) {
	p := only(t, "same-range")
	learns(p)
	r := &rig{t: t, now: wednesday}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, usually("DE"), r.now)
	r.feed(Event{Kind: Connected})
	tries(3, time.Minute, 21*time.Minute, 16, each("0025261234560%d"))(r)
	r.wait(25 * time.Hour)
	before := r.s.count.kills
	r.place("101", "00252612345677")
	if r.s.count.kills != before+1 {
		t.Error("a number of the range was not ended a day later")
	}
	r.place("102", "00252612399677")
	if r.s.count.kills != before+1 {
		t.Error("a number of another range was ended")
	}
}

// TestLockOfUnknownSource: where nobody knows from where an account calls, a
// lock that a rule makes leaves it the calls at home and those it always makes.
func TestLockOfUnknownSource(t *testing.T) {
	for _, tt := range []struct {
		name, number, source string
		learn                bool
		want                 bool // it is ended
	}{
		{"at home", "0201234567", "", true, false},
		{"abroad", "0022366123456", "", true, true},
		{"where it always calls", "0049301234567", "", true, false},
		{"at home, from a stranger's address", "0201234567", "203.0.113.9", true, true},
		{"at home, without habits", "0201234567", "", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := only(t, "repeat")
			if tt.learn {
				learns(p)
			}
			p.Default.CountryAction, p.Default.Countries = Kill, map[string]bool{"DE": true}
			r := &rig{t: t, now: wednesday}
			m := called("DE")
			m.Seen = append(m.Seen, usually("DE").Seen...)
			r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, m, r.now)
			r.feed(Event{Kind: Connected})
			login := func() {
				if tt.source != "" {
					r.serial++
					r.feed(Event{Kind: AuthOK, Account: ext("100"), Source: addrPort(tt.source + ":5060"), Proof: Path, Service: "PJSIP", Session: fmt.Sprint("s", r.serial)})
				}
			}
			for i := range 4 {
				login()
				a, b := r.place("100", fmt.Sprintf("0025261234567%d", i))
				r.end(b, a)
			}
			if r.s.barOf(r.s.account(ext("100"))) == nil {
				t.Fatal("there is no lock")
			}
			before := r.s.count.kills
			login()
			r.place("100", tt.number)
			if got := r.s.count.kills > before; got != tt.want {
				t.Errorf("got ended %v, want %v", got, tt.want)
			}
		})
	}
}

// TestUsualSpending: a cap that nobody has set gives way to what is usual, one
// that somebody has set does not, and neither to a single wild day.
func TestUsualSpending(t *testing.T) {
	daily := func(amount Money, wild Money) (m Memory) {
		m = atWorkAt("DE", 9, 10, 11)
		for day := 27; day >= 1; day-- {
			v := Spent{Account: ext("101"), Day: wednesday.AddDate(0, 0, -day), Amount: amount}
			if day == 3 {
				v.Amount += wild
			}
			m.Spent = append(m.Spent, v)
		}
		return m
	}
	for _, tt := range []struct {
		name  string
		daily Money
		wild  Money
		max   int
		talk  time.Duration // at EUR 10 a minute, of another extension
		want  Action
	}{
		{"a hundred, of those who spend ten", 10 * Unit, 0, 100, 10 * time.Minute, Kill},
		{"a hundred, of those who spend eighty", 80 * Unit, 0, 100, 10 * time.Minute, Allow},
		{"twice eighty", 80 * Unit, 0, 100, 16 * time.Minute, Kill},
		{"a hundred and one, as somebody has set", 80 * Unit, 0, 101, 11 * time.Minute, Kill},
		{"one wild day changes nothing", 10 * Unit, 500 * Unit, 100, 10 * time.Minute, Kill},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := ruleCase{rule: "spend-pbx-day", memory: daily(tt.daily, tt.wild), do: talking(somalia, tt.talk-time.Second)}
			c.policy = func(p *Policy) {
				learns(p)
				priced(10 * Unit)(p)
				p.Default.Set[setSpendPBXDay].Max = tt.max
			}
			d, _ := c.play(t)
			if got := d.Action; got != tt.want && !(tt.want == Allow && got == Alert) {
				t.Errorf("got %s (%s), want %s", got, d.Reason, tt.want)
			}
		})
	}
}

// TestSpentByOthers: money that others have spent does not cut off who calls
// where he always does, until three times as much is spent.
func TestSpentByOthers(t *testing.T) {
	const berlin = "0049301234567"
	for _, tt := range []struct {
		name   string
		number string
		spent  Money // today
		want   Action
	}{
		{"where it always calls", berlin, 120 * Unit, Alert},
		{"elsewhere", somalia, 120 * Unit, Kill},
		{"where it always calls, but far too much", berlin, 400 * Unit, Kill},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := called("DE")
			m.Usage = []Usage{{Account: ext("101"), At: wednesday.Add(-time.Hour), Talked: time.Minute, Cost: tt.spent}}
			c := ruleCase{rule: "spend-pbx-day", memory: m, do: talking(tt.number, time.Minute)}
			c.policy = both(learns, priced(Unit/10))
			if d, _ := c.play(t); d.Action != tt.want {
				t.Errorf("got %s (%s), want %s", d.Action, d.Reason, tt.want)
			}
		})
	}
}
