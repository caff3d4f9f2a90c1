package guard

import (
	"math"
	"slices"
	"time"
)

// Habits are kept by the hour on the wall of the PBX, so that nine o'clock on a
// Monday stays that when summer time begins.
const (
	habitWeeks  = 8
	weekHours   = 7 * 24
	habitHours  = habitWeeks * weekHours
	leastWeeks  = 3   // with fewer there is no habit
	maxDistinct = 256 // numbers told apart in an hour
	// growth is how much more than what was usual an hour may teach, so that a
	// slow attack does not become the habit.
	growth = 1.2
)

// Hour is what one account, or with Account.Name "" the whole PBX, did in one
// hour: what habits are made of. At is the hour's beginning in the PBX's zone,
// written as if it were UTC.
type Hour struct {
	Account Account
	At      time.Time
	Calls   int           // placed
	Numbers int           // different ones
	Peak    int           // most calls placed in one second; of a PBX only
	Abroad  int           // most international calls at once; of a PBX only
	Talked  time.Duration // of the calls that ended in it
}

func (Hour) record() {}

// hourly is an [Hour] as it is kept: 16 bytes.
type hourly struct {
	hour                         int32 // since 1970, on the wall
	calls, numbers, peak, abroad uint16
	minutes                      uint16
}

// profile is what an account or a PBX usually does.
type profile struct {
	past    []hourly // at most 8 weeks, oldest first
	since   int32    // the first hour that was seen, ever
	now     hourly
	talked  time.Duration // in this hour
	numbers distinctNow
	frozen  bool  // this hour is not one to learn from
	told    bool  // that this hour is unusual
	second  int64 // that rate counts
	rate    uint16
	norm    *norm // of past; nil: not asked for
}

// distinctNow is a small set of hashes.
type distinctNow []uint32

func (d *distinctNow) add(h uint32) {
	if len(*d) < maxDistinct && !slices.Contains(*d, h) {
		*d = append(*d, h)
	}
}

// wallHour is this hour, counted on the wall since 1970.
func (s *state) wallHour(zone *time.Location) int32 { return s.moment(s.now, zone).hour }

// learn closes the hour that has passed, if one has, and tells of it.
func (s *state) learn(p *profile, of Account, zone *time.Location) {
	hour := s.wallHour(zone)
	if hour <= p.now.hour {
		return // the same, or the clock on the wall went back
	}
	if (p.now.calls > 0 || p.talked > 0) && !p.frozen {
		p.now.numbers = uint16(len(p.numbers))
		p.now.minutes = uint16(min(math.MaxUint16, int(p.talked/time.Minute)))
		h := p.tamed(p.now)
		p.keep(h)
		s.record(Hour{
			Account: of, At: time.Unix(int64(h.hour)*3600, 0).UTC(), Calls: int(h.calls), Numbers: int(h.numbers),
			Peak: int(h.peak), Abroad: int(h.abroad), Talked: time.Duration(h.minutes) * time.Minute,
		})
	}
	if p.since == 0 {
		p.since = hour
	}
	p.now, p.talked, p.numbers, p.rate, p.frozen, p.told = hourly{hour: hour}, 0, p.numbers[:0], 0, false, false
}

// tamed is h without what exceeds the habit by too much.
func (p *profile) tamed(h hourly) hourly {
	spreads, ok := p.spreadsAt(h.hour)
	if !ok {
		return h
	}
	for m := range metrics {
		v, most := h.metric(m), max(spreads[m].most, 10)
		*v = min(*v, uint16(min(math.MaxUint16, math.Ceil(growth*most))))
	}
	return h
}

// metric is a thing that of an hour is held against the habit.
type metric uint8

const (
	calls metric = iota
	minutesTalked
	differentNumbers
	metrics
)

func (h *hourly) metric(m metric) *uint16 {
	switch m {
	case calls:
		return &h.calls
	case minutesTalked:
		return &h.minutes
	}
	return &h.numbers
}

// keep adds an hour and forgets what is older than eight weeks.
func (p *profile) keep(h hourly) {
	for len(p.past) > 0 && h.hour-p.past[0].hour > habitHours {
		p.norm.without(&p.past[0])
		p.past = p.past[1:]
	}
	if n := len(p.past); n > 0 && p.past[n-1].hour >= h.hour {
		return // learnt already
	}
	p.past = append(p.past, h)
	p.norm.with(&h)
}

// usual is what happened in the same hour of the latest eight weeks, as far as
// they were seen; hours without a call count as 0. False says that too few were.
func (p *profile) usual(hour int32, m metric) (values [habitWeeks]float64, ok bool) {
	weeks := p.weeks(hour)
	if weeks < leastWeeks {
		return values, false
	}
	same := p.sameHours(hour)
	for w := range weeks {
		values[w] = float64(*same[w].metric(m))
	}
	for w := weeks; w < habitWeeks; w++ {
		values[w] = math.NaN()
	}
	return values, true
}

// weeks is how many weeks before an hour were seen, at most eight.
func (p *profile) weeks(hour int32) int {
	if p.since == 0 {
		return 0
	}
	return int(min(habitWeeks, (hour-p.since)/weekHours))
}

// spread is what is usual, how far it varies and the most that there was. How
// far x lies above it is the modified z-score of Iglewicz and Hoaglin.
type spread struct{ median, deviation, most float64 }

func (u spread) score(x float64) float64 { return (x - u.median) / u.deviation }

// spreadOf takes the median and, for the deviation, the median absolute one.
// Where that is 0 the square root of the median stands in for it: counts vary at
// least as much.
func spreadOf(usual []float64) (u spread) {
	var v []float64
	var room [2 * habitWeeks]float64
	v = room[:0]
	for _, x := range usual {
		if !math.IsNaN(x) {
			v = append(v, x)
			u.most = max(u.most, x)
		}
	}
	u.median = middle(v)
	dev := room[len(v):len(v)]
	for _, x := range v {
		dev = append(dev, math.Abs(x-u.median))
	}
	u.deviation = middle(dev) / 0.6745
	if u.deviation == 0 {
		u.deviation = max(1, math.Sqrt(u.median))
	}
	return u
}

// middle is the median. It sorts v.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// recallHours restores habits of earlier days.
func (s *state) recallHours(hours []Hour) {
	for _, h := range hours {
		p := s.profileOf(h.Account)
		if p == nil {
			continue
		}
		hour := int32(h.At.Unix() / 3600)
		if p.since == 0 || hour < p.since {
			p.since = hour
		}
		p.keep(hourly{
			hour: hour, calls: short16(h.Calls), numbers: short16(h.Numbers), peak: short16(h.Peak),
			abroad: short16(h.Abroad), minutes: short16(int(h.Talked / time.Minute)),
		})
	}
}

func short16(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }

// profileOf is the profile of an account, or of a PBX if it has no name.
func (s *state) profileOf(a Account) *profile {
	if a.Name == "" {
		if st := s.sites[a.PBX]; st != nil {
			return &st.habit
		}
		return nil
	}
	acc := s.account(a)
	if acc.habit == nil {
		acc.habit = new(profile)
	}
	return acc.habit
}

// usualCall notes an attempt in the habits of its payer and of its PBX.
func (s *state) usualCall(a *attempt) {
	zone := a.site.zone()
	if a.payer.habit == nil {
		a.payer.habit = new(profile)
	}
	h := uint32(s.hash(a.number.E164))
	s.placedOne(a.payer.habit, a.payer.Account, zone, h)
	s.placedOne(&a.site.habit, Account{PBX: a.site.name}, zone, h)
	p := &a.site.habit
	if second := s.now.Unix(); second != p.second {
		p.second, p.rate = second, 0
	}
	p.rate++
	p.now.peak = max(p.now.peak, p.rate)
	if a.foreign != "" {
		n := 0
		for _, k := range a.site.abroad {
			n += k
		}
		p.now.abroad = max(p.now.abroad, short16(n))
	}
}

func (s *state) placedOne(p *profile, of Account, zone *time.Location, number uint32) {
	s.learn(p, of, zone)
	p.now.calls = short16(int(p.now.calls) + 1)
	p.numbers.add(number)
}

// usualTalk notes the talk time of an attempt that has ended.
func (s *state) usualTalk(a *attempt, talked time.Duration) {
	if talked <= 0 {
		return
	}
	zone := a.site.zone()
	if a.payer.habit == nil {
		a.payer.habit = new(profile)
	}
	s.learn(a.payer.habit, a.payer.Account, zone)
	s.learn(&a.site.habit, Account{PBX: a.site.name}, zone)
	a.payer.habit.talked += talked
	a.site.habit.talked += talked
}
