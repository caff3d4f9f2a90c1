package guard

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// hooks is what sources need of the engine.
type hooks struct {
	decide func(Decision)     // fills ID and At, records and counts
	record func(Record)       // AuthRecord, Standing, Ban, Lift, Watched
	banned func(netip.Prefix) // the firewall was told: hang up that address's calls
	// lock bars an account from calling from where it was not long used.
	lock func(a Account, rule, reason string)
}

// How much is remembered of accounts and of the places they are used from. Both
// are made by right passwords only.
const (
	maxPlaces    = 50_000
	maxPresences = 50_000
	maxDialogs   = 4096
)

// sources judges addresses by how they authenticate: it counts what fails, knows
// who is honest, and bans the rest. It belongs to the engine's goroutine.
type sources struct {
	policy *Policy
	hooks  hooks
	fw     Firewall
	never  []netip.Prefix

	epoch time.Time     // what t and all stamps count from
	now   time.Time     // of the latest event
	t     time.Duration // now, since epoch

	watching bool          // a PBX is connected
	watched  time.Duration // how long one was, ever
	told     time.Duration // how much of that was recorded

	seed        maphash.Seed
	door        *door
	failing     [2]*table[suspect]   // by proof: who may be forged cannot push out who may not
	asking      [2]*table[*distinct] // accounts asked for and not answered for, by proof
	slow        slow
	attacked    *table[*target]    // by account
	domains     map[string]domains // by PBX
	bursts      *recent[burst]
	exchanges   exchanges
	places      *simplelru.LRU[sourceKey, *place]
	presences   *simplelru.LRU[Account, *presence]
	dialogs     *simplelru.LRU[uint64, dialog]
	bans        bans
	alerts      budget
	managerTold time.Duration // when a failed login there was last told
}

func newSources(p *Policy, fw Firewall, h hooks, mem Memory, now time.Time) *sources {
	s := &sources{
		policy: p, hooks: h, fw: fw,
		epoch: now, now: now, watched: mem.Watched, told: mem.Watched,
		seed: maphash.MakeSeed(), exchanges: exchanges{open: map[uint64]*exchange{}},
		bans: newBans(),
	}
	s.door = &door{seed: maphash.MakeSeed()}
	for i := range s.failing {
		s.failing[i] = newTable[suspect](1, s.door, uint64(i))
		s.asking[i] = newTable[*distinct](1, s.door, 2+uint64(i))
	}
	s.slow = newSlow(s.seed)
	s.domains = map[string]domains{}
	s.attacked = newTable[*target](1, s.door, 4)
	s.bursts = newRecent[burst](1)
	s.places, _ = simplelru.NewLRU[sourceKey, *place](maxPlaces, nil) // sizes below 1 are all that is refused
	s.presences, _ = simplelru.NewLRU(maxPresences, func(_ Account, p *presence) { s.forgetContacts(p) })
	s.dialogs, _ = simplelru.NewLRU[uint64, dialog](maxDialogs, nil)
	s.setPolicy(p)
	for i := range mem.Standings {
		s.recall(&mem.Standings[i])
	}
	s.recallBans(mem.Bans)
	s.liftNever()
	return s
}

// setPolicy puts p in force. What it says must never be banned is let go, and
// what was only observed does not count once bans are made.
func (s *sources) setPolicy(p *Policy) {
	before := s.policy
	s.policy = p
	s.never = append([]netip.Prefix(nil), ourselves...)
	for _, n := range p.Bans.Never {
		s.never = append(s.never, plainPrefix(n))
	}
	size := p.Bans.Sources
	if size <= 0 {
		size = DefaultBans().Sources
	}
	s.door.keep = s.window() / 2
	for i := range s.failing {
		s.failing[i].resize(size)
		s.asking[i].resize(size)
		if before.Bans.Window != p.Bans.Window {
			s.failing[i].kept.purge() // its counts are in parts of the window
		}
	}
	s.attacked.resize(size)
	s.bursts.resize(size)
	if before.BansMode == Observe && p.BansMode == Enforce {
		s.dropObserved()
	}
	s.liftNever()
}

// handle takes what ev says of its source.
func (s *sources) handle(ev *Event, now time.Time) {
	s.advance(now)
	if ev.Kind == Forged {
		s.forged(ev)
		return
	}
	c, ok := s.claim(ev)
	if !ok {
		if ev.Kind == Unregistered {
			s.unregistered(c)
		}
		return
	}
	switch ev.Kind {
	case AuthChallenged:
		s.challenged(c, ev.Session)
	case AuthOK:
		s.authOK(c, ev.Session, ev.Agent)
	case AuthFailed:
		s.authFailed(c, ev.Session, ev.Unknown)
	case AuthRefused:
		s.authRefused(c, ev.Session)
	case Registered:
		s.registered(c, ev.Agent)
	case Unregistered:
		s.unregistered(c)
	}
}

// tick lets time pass. It is called every 100 ms and does a bounded amount of work.
func (s *sources) tick(now time.Time) {
	s.advance(now)
	s.expireExchanges()
	s.retryOrders()
	s.expireBans()
	oldest := stampOf(s.t) - min(stampOf(s.t), span(s.window()))
	for i := range s.failing {
		s.failing[i].expire(func(u suspect) bool { return max(u.last, u.alerted) < oldest })
		s.asking[i].expire(func(d *distinct) bool { return d.last() < oldest })
	}
	s.slow.expire(stampOf(s.t))
	s.attacked.expire(func(t *target) bool { return t.failed.old(stampOf(s.t)) })
	if s.watched-s.told >= s.tellWatched() {
		s.recordWatched()
	}
}

// advance moves time on. It never goes back.
func (s *sources) advance(now time.Time) {
	d := now.Sub(s.now)
	if d <= 0 {
		return
	}
	s.now, s.t = now, now.Sub(s.epoch)
	if s.watching {
		s.watched += d
	}
}

// watch notes that a PBX is, or that none is any longer, connected: only then
// does watching teach anything.
func (s *sources) watch(connected bool, now time.Time) {
	s.advance(now)
	if s.watching && !connected {
		s.recordWatched()
	}
	s.watching = connected
}

// learning says that too little was watched to tell a stranger from a phone
// that registered before the guard came.
func (s *sources) learning() bool { return s.watched < s.policy.Bans.Learn }

// tellWatched is how often the time watched is recorded: while it matters, by
// the minute.
func (s *sources) tellWatched() time.Duration {
	if s.told < s.policy.Bans.Learn {
		return time.Minute
	}
	return time.Hour
}

func (s *sources) recordWatched() {
	s.told = s.watched
	s.hooks.record(Watched{Total: s.watched})
}

func (s *sources) status(st *Status) {
	st.Bans, st.WouldBan, st.Sources = s.bans.enforced, s.bans.would, 0
	for i := range s.failing {
		st.Sources += s.failing[i].kept.len + s.asking[i].kept.len
	}
	st.Watched, st.Learning = s.watched, s.learning()
}

func (s *sources) window() time.Duration {
	if w := s.policy.Bans.Window; w > 0 {
		return w
	}
	return DefaultBans().Window
}

// enforcing says whether bans are made, not only written down.
func (s *sources) enforcing() bool { return s.policy.BansMode == Enforce && s.fw != nil }

// action is what a rule about addresses asks for.
func (s *sources) action(rule string, otherwise Action) Action {
	if a, ok := s.policy.Bans.Actions[rule]; ok {
		return a
	}
	return otherwise
}

// exempt returns the prefix that keeps p from being banned, if there is one.
func (s *sources) exempt(p netip.Prefix) (netip.Prefix, bool) {
	for _, n := range s.never {
		if n.Overlaps(p) {
			return n, true
		}
	}
	return netip.Prefix{}, false
}
