package guard

import (
	"math"
	"net/netip"
	"strings"
	"time"
)

// Place is where an address is, as far as somebody's tables say.
type Place struct {
	Country  string // ISO 3166 alpha-2
	Lat, Lon float64
	Exact    bool   // Lat and Lon are known
	System   uint32 // the number of its autonomous system; 0: not known
}

// Atlas says where addresses are. Like a [Tariff] it does not change.
type Atlas interface {
	Locate(netip.Addr) (Place, bool)
}

// origin is from where an account has logged in, the latest times.
type origin struct {
	source netip.Addr
	agent  string
	place  Place
	placed bool // place is known
	at     time.Time
	// before is the place it was at before it was here, if that is another.
	before   Place
	beforeAt time.Time
	moved    time.Time          // when it came from there
	noted    time.Time          // when it was last written down
	nets     [2 * roaming]visit // the latest networks
}

// roaming is how many networks within roamFor, each known for a day, make an account
// one that moves about: a telephone on a mobile network, or at home and on the road.
const (
	roaming = 5
	roamFor = 30 * 24 * time.Hour
)

// visit is a network that an account was in: hashed, with the first and the last
// time in minutes since 1970.
type visit struct {
	net         uint64
	first, last uint32
}

// visits notes that an account was in a network, in place of the one left longest ago.
func (o *origin) visits(v visit) {
	at := 0
	for i := range o.nets {
		if o.nets[i].net == v.net {
			at = i
			break
		}
		if o.nets[i].last < o.nets[at].last {
			at = i
		}
	}
	o.nets[at] = v
}

// roams says whether an account moves about.
func (o *origin) roams(now time.Time) bool {
	if o == nil {
		return false
	}
	n, today := 0, minutes(now)
	for _, v := range o.nets {
		if v.last != 0 && today-min(v.first, today) >= 24*60 && today-min(v.last, today) <= uint32(roamFor/time.Minute) {
			n++
		}
	}
	return n >= roaming
}

// logIn notes from where an account has proved its password.
func (s *state) logIn(ev *Event) {
	if ev.Account.Name == "" || !ev.Source.IsValid() || ev.Service == manager {
		return
	}
	acc := s.account(ev.Account)
	if acc.origin == nil {
		acc.origin = new(origin)
	}
	if ev.Kind == Registered && s.closedAt(s.limitsOf(acc), s.sites[ev.PBX], s.now.In(s.zone(ev.PBX))) {
		acc.night = s.now
		_, acc.nightOwl = s.met(acc.Account, seenNight, "*", seenFor)
		s.meet(acc.Account, seenNight, "*")
	}
	o, addr := acc.origin, plainAddr(ev.Source).Addr()
	defer func() { o.at = s.now }()
	if addr == o.source && (ev.Agent == "" || ev.Agent == o.agent) && s.now.Sub(o.noted) < time.Hour {
		return
	}
	o.noted = s.now
	if ev.Agent != "" {
		o.agent = strings.Clone(clip(ev.Agent))
		s.meet(acc.Account, seenAgent, o.agent)
	}
	if addr != o.source {
		place, known := s.locate(addr)
		o.move(place, known, s.now)
		o.source = addr
	}
	s.meet(acc.Account, seenNetwork, network(addr))
	s.meet(acc.Account, seenNetwork, "*")
	s.roam(acc, network(addr))
	if o.placed && o.place.Country != "" {
		s.meet(acc.Account, seenPlace, o.place.Country)
	}
}

// roam counts a network among those that an account moves between, unless calls
// from there were ended: who tries a stolen password in many places is no traveller.
func (s *state) roam(acc *account, net string) {
	v, ok := s.met(acc.Account, seenNetwork, net, seenFor)
	if _, suspect := s.met(acc.Account, seenSuspect, net, seenFor); ok && !suspect {
		acc.origin.visits(visit{s.hash(net), v.first, v.last})
	}
}

func (o *origin) move(to Place, known bool, now time.Time) {
	if known && o.placed && to.Country != "" && o.place.Country != "" && (to.Country != o.place.Country || to.Exact && o.place.Exact && distance(to, o.place) > 100) {
		o.before, o.beforeAt, o.moved = o.place, o.at, now
	}
	if known {
		o.place = to
	}
	o.placed = known
}

func (s *state) locate(a netip.Addr) (Place, bool) {
	if s.policy.Atlas == nil {
		return Place{}, false
	}
	return s.policy.Atlas.Locate(a)
}

// network is the neighbourhood of an address: a /24, or the /48 of IPv6.
func network(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// tooFast says whether the latest move was faster than anybody travels.
func (o *origin) tooFast(kmh int) bool {
	if o.moved.IsZero() {
		return false
	}
	took := o.moved.Sub(o.beforeAt)
	if o.place.Exact && o.before.Exact {
		return distance(o.place, o.before) > float64(kmh)*max(took.Hours(), 0.1)
	}
	return o.place.Country != o.before.Country && took < time.Hour
}

// distance is the great circle between two places in km.
func distance(a, b Place) float64 {
	const radius, degree = 6371, math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*degree, (b.Lon-a.Lon)*degree
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}
