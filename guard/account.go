package guard

import (
	"strconv"
	"time"
)

// maxAccounts bounds the accounts that are remembered while they do nothing.
const maxAccounts = 100_000

// account is what is known of somebody who may pay for calls.
type account struct {
	Account
	phone   bool // has proved a password, or is configured
	limits  *Limits
	version int // of the policy that chose limits
	called  struct {
		version      int // of the site's configuration, in which its name is
		trunk, phone bool
	}
	bar *Bar

	live   int // outbound attempts that have not ended
	used   time.Time
	recent []time.Time   // attempts of the last minute, oldest first
	run    run           // of numbers dialled one after the other
	talk   talk          // time talked
	away   *talk         // of that, to where it does not usually call; nil: none
	trail  trail         // the latest attempts
	kills  [16]time.Time // when its calls were last ended, the latest first
	habit  *profile      // what it usually does; nil: nothing yet
	purse  *purse        // what it has spent; nil: nothing

	tested   time.Time // when a machine last called one of its own numbers; zero: never
	overdue  bool      // it was told that it did not for too long
	origin   *origin   // from where it logs in; nil: not seen
	forward  *forward  // where its calls go; nil: to its phone
	sought   *sought   // to be switched off; nil: nothing
	night    time.Time // when it last registered while the office was closed
	nightOwl bool      // it had done so before
	stranger strangerCall
}

// account returns what is known of a, which may be nothing yet.
func (s *state) account(a Account) *account {
	acc := s.accounts[a]
	if acc == nil {
		if len(s.accounts) >= maxAccounts {
			s.forget()
			if len(s.accounts) >= maxAccounts {
				a = Account{PBX: a.PBX, Name: "*"} // a PBX has not so many; a forger has
			}
		}
		acc = &account{Account: a}
		s.accounts[a] = acc
	}
	acc.used = s.now
	return acc
}

// limitsOf returns the limits of the first group that matches.
func (s *state) limitsOf(a *account) *Limits {
	if a.version == s.version {
		return a.limits
	}
	a.version, a.limits = s.version, &s.policy.Default
	for i := range s.policy.Groups {
		if g := &s.policy.Groups[i]; g.Accounts.MatchString(a.Name) {
			a.limits = &g.Limits
			break
		}
	}
	return a.limits
}

// provedPhone learns that an account is a phone: it knows a password.
func (s *state) provedPhone(st *site, ev *Event) {
	if ev.Account.Name == "" || ev.Service == "AMI" || len(s.accounts) >= maxAccounts {
		return
	}
	// chan_sip reports the dialled number where the account belongs, so an
	// account is only believed that is one already or registers.
	if ev.Kind == Registered || ev.Service != chanSIP {
		s.account(ev.Account).phone = true
	}
}

// forget drops accounts that have done nothing for a day, sooner when there are
// too many of them.
func (s *state) forget() {
	const day = 24 * time.Hour
	idle := day
	if len(s.accounts) >= maxAccounts {
		idle = time.Minute
	} else if s.now.Before(s.stale) {
		return
	}
	s.stale = s.now.Add(day) // who is new by then is not idle for a day
	for k, a := range s.accounts {
		if a.bar != nil {
			s.stale = s.now
			if !a.bar.Until.IsZero() && s.now.After(a.bar.Until) {
				a.bar = nil
				s.relock(a.PBX)
			}
			continue
		}
		due := a.used.Add(idle)
		if a.habit != nil && idle > time.Minute {
			due = a.used.Add(seenFor - 1) // what it usually does is worth keeping
		}
		switch {
		case !s.now.After(due):
			if due.Before(s.stale) {
				s.stale = due
			}
		case a.live == 0 && a.sought == nil && a.tested.IsZero():
			delete(s.accounts, k)
		default:
			s.stale = s.now
		}
	}
}

// run is a row of numbers that differ only in their last digits.
type run struct {
	last string // E.164
	n    int
	at   time.Time
}

// runDigits is how many last digits may differ in a run, and runGap how long a
// pause ends one.
const (
	runDigits = 4
	runStep   = 10
	runGap    = 10 * time.Minute
)

// add takes the next dialled number. A repeated number neither extends a run
// nor ends it: redialling is what people do.
func (r *run) add(e164 string, now time.Time) {
	switch {
	case e164 == r.last && now.Sub(r.at) < runGap:
	case r.n > 0 && now.Sub(r.at) < runGap && neighbours(r.last, e164):
		r.n++
	default:
		r.n = 1
	}
	r.last, r.at = e164, now
}

// neighbours says whether two numbers of one length differ only in their last
// runDigits digits, and by no more than runStep.
func neighbours(a, b string) bool {
	k := len(a) - runDigits
	if len(a) != len(b) || k <= 4 || a[:k] != b[:k] {
		return false
	}
	x, _ := strconv.Atoi(a[k:])
	y, _ := strconv.Atoi(b[k:])
	return max(x-y, y-x) <= runStep
}

// talk is the time an account has talked: in each of the last 60 minutes, and
// today.
type talk struct {
	last  lastHour[uint32] // milliseconds
	day   int64            // counted in the PBX's zone
	today time.Duration
}

// moment is a time as talk counts it: minutes by the monotonic clock, which
// nobody can set back, and days by the wall clock of the PBX's zone.
type moment struct {
	minute, day int64
	hour, month int32 // the hour since 1970, on the wall
}

// moment is asked many times of one event, so the latest is kept.
func (s *state) moment(at time.Time, zone *time.Location) moment {
	if k := &s.latest; k.zone != zone || k.at != at {
		k.at, k.zone, k.is = at, zone, s.momentOf(at, zone)
	}
	return s.latest.is
}

func (s *state) momentOf(at time.Time, zone *time.Location) moment {
	const early = 1 << 20 // keeps the minutes before the start above zero
	wall := at.In(zone)
	_, offset := wall.Zone()
	local := at.Unix() + int64(offset)
	m := moment{minute: early + int64(at.Sub(s.since)/time.Minute), day: local / 86400, hour: int32(local / 3600)}
	year, month, _ := wall.Date()
	m.month = int32(year)*12 + int32(month)
	return m
}

func (t *talk) add(d time.Duration, now moment) {
	t.roll(now)
	t.last.put(now.minute, uint32(d/time.Millisecond))
	t.today += d
}

// roll empties the minutes and the day that have passed since the last call.
func (t *talk) roll(now moment) {
	t.last.roll(now.minute)
	if now.day > t.day {
		t.day, t.today = now.day, 0
	}
}

// hour is the time talked in the last 60 minutes.
func (t *talk) hour() time.Duration { return time.Duration(t.last.sum) * time.Millisecond }

// restore adds talk time that ended at a time and that nobody counted while it
// passed: of before the guard started, or of a call that it finds up.
func (s *state) restore(acc *account, talked time.Duration, ended time.Time) {
	zone := s.zone(acc.PBX)
	acc.talk.roll(s.moment(s.now, zone))
	for talked = min(talked, 24*time.Hour); talked > 0; {
		part := min(talked, time.Minute)
		acc.talk.was(part, s.moment(ended, zone))
		talked, ended = talked-part, ended.Add(-part)
	}
}

// was adds talk time of a moment that has passed.
func (t *talk) was(d time.Duration, at moment) {
	if at.day == t.day {
		t.today += d
	}
	t.last.put(at.minute, uint32(d/time.Millisecond))
}
