package guard

import (
	"slices"
	"time"
)

// maxLegs bounds the legs that are tracked on one PBX. Far beyond what a PBX
// carries, it stops a forged stream from filling memory.
const maxLegs = 200_000

// site is one PBX and what is up on it.
type site struct {
	*Site
	version   int // of Site; accounts remember of which one they know their names
	name      string
	connected bool
	gated     bool      // some leg has asked before it dialled
	since     time.Time // of the connection, or of its loss
	lastEvent time.Time
	listed    time.Time // when the PBX last told all its legs

	legs   map[LegID]*leg
	inward []*arrival         // of these, the calls that came in
	locals map[string]*locals // the two halves of Local channels, by what they share
	abroad map[string]int     // live outbound calls by foreign country
	trunks map[string]bool    // endpoints seen to take numbers beyond their name
	odd    []string           // endpoints of which nothing is known

	round    int // of resync; a leg that carries an older one was not listed
	syncing  bool
	syncedAt time.Time
	gone     map[LegID]bool // ended while a resync is under way
	// Of the list under way: legs that call trunks, and calls that nobody saw
	// begin and in which somebody dialled an emergency number.
	calling []calling
	helps   map[CallID]bool

	known   time.Time // since when what is usual is being learnt
	habit   profile
	busy    busyHour
	purse   purse
	areas   tally            // calls abroad by area, within an hour
	numbers tally            // calls abroad by number, within a day
	ranges  *recent[rented]  // talk abroad by range of a thousand numbers, within a day
	callers *recent[callers] // who called a number abroad
	lures   *recent[callers] // which of our numbers a foreign prefix rang
	sweeps  tally            // momentary calls by neighbourhood, within ten minutes
	lengths tally            // calls that came in, by number and length, within a day
	pins    tally            // wrong PINs by caller and by mailbox, within an hour
	helped  time.Time        // when somebody last called for help
	everUp  bool             // it was connected once
	lost    bool             // it was told that the connection is lost
	slow    bool             // it was told that events come late
	logins  bool             // it tells of logins
	silent  int              // calls of phones since it last did
}

// locals are the halves of a Local channel: Dial talks to one, two goes on
// through the dial plan.
type locals struct{ one, two *leg }

func newSite(name string, now time.Time) *site {
	return &site{
		name: name, since: now, listed: now,
		legs: map[LegID]*leg{}, locals: map[string]*locals{},
		abroad: map[string]int{}, trunks: map[string]bool{}, gone: map[LegID]bool{},
		known:   now,
		areas:   newTally(time.Hour),
		numbers: newTally(24 * time.Hour),
		ranges:  newRecent[rented](maxTally),
		sweeps:  newTally(10 * time.Minute),
		lengths: newTally(24 * time.Hour),
		pins:    newTally(time.Hour),
		callers: newRecent[callers](maxTally),
		lures:   newRecent[callers](maxTally),
	}
}

func (st *site) zone() *time.Location {
	if st.Zone == nil {
		return time.UTC
	}
	return st.Zone
}

// isTrunk says whether an endpoint leads outside. What the configuration says
// comes first, then what was seen: a number dialled beyond the endpoint's name.
func (st *site) isTrunk(a *account) bool {
	st.read(a)
	switch {
	case a.called.trunk:
		return true
	case st.isPhone(a):
		return false
	}
	return st.trunks[a.Name]
}

// isPhone says whether an endpoint is an extension: it is configured as one,
// its name is one of the plan's internal numbers, or it has proved a password.
func (st *site) isPhone(a *account) bool {
	st.read(a)
	return !a.called.trunk && (a.phone || a.called.phone)
}

// read finds out what the name of an account says of it, once.
func (st *site) read(a *account) {
	if a.called.version == st.version {
		return
	}
	a.called.version = st.version
	a.called.trunk = st.Trunks != nil && st.Trunks.MatchString(a.Name)
	a.called.phone = st.Phones != nil && st.Phones.MatchString(a.Name) || st.Plan.Internal(a.Name)
}

// learnTrunk remembers that an endpoint took a number to dial.
func (st *site) learnTrunk(a *account) {
	if !st.trunks[a.Name] && len(st.trunks) < 1000 {
		st.trunks[a.Name] = true
		st.odd = slices.DeleteFunc(st.odd, func(n string) bool { return n == a.Name })
	}
}

// wonder remembers, for status, an endpoint that is neither phone nor trunk as
// far as is known.
func (st *site) wonder(a *account) (first bool) {
	if len(st.odd) < 20 && !st.isTrunk(a) && !slices.Contains(st.odd, a.Name) {
		st.odd = append(st.odd, a.Name)
		return true
	}
	return false
}

// connection notes that the PBX is or is no longer watched. The time between
// is a gap, which is evidence too.
func (s *state) connection(st *site, up bool, why string) {
	if st.connected == up {
		return
	}
	if up && !st.listed.Equal(s.since) {
		s.record(Gap{PBX: st.name, From: st.since, To: s.now, Reason: why})
	}
	st.connected, st.since = up, s.now
	st.everUp, st.lost = st.everUp || up, false
	st.syncing = false
	s.sources.watch(s.anyConnected(), s.now)
}

func (s *state) anyConnected() bool {
	for _, st := range s.sites {
		if st.connected {
			return true
		}
	}
	return false
}
