package guard

import (
	"hash/maphash"
	"net/netip"
	"time"
)

const (
	// answerWithin is how long an honest phone may take to answer a challenge.
	answerWithin = 2 * time.Second
	// oneRefusal is how far apart the events of one refused request may be:
	// Asterisk reports an access list twice, and a failed answer after it.
	oneRefusal = 500 * time.Millisecond
	// maxExchanges is how many challenges may wait for an answer. Beyond it the
	// oldest is forgotten and counts for nothing.
	maxExchanges = 65536
	// clipped is how much is kept of a name that a stranger gave.
	clipped = 64
)

// modSofia is what logins at a FreeSWITCH go by, the others are what Asterisk calls
// its services.
const (
	modSofia  = "sofia"
	chanSIP   = "SIP"
	chanPJSIP = "PJSIP"
	manager   = "AMI"
)

// claim is somebody at an address who says to be an account.
type claim struct {
	agent   string
	account Account
	source  netip.AddrPort
	key     sourceKey
	proof   Proof
	service string
}

// claim reads who ev is about; false is nobody that has an address.
func (s *sources) claim(ev *Event) (claim, bool) {
	c := claim{account: ev.Account, proof: ev.Proof, service: ev.Service, agent: ev.Agent}
	if c.account.PBX == "" {
		c.account.PBX = ev.PBX
	}
	c.account.Name = clip(c.account.Name)
	if c.service == manager && c.account.Domain == "" {
		c.account.Domain = manager // its user 100 is not the extension 100
	}
	if c.proof != Path {
		c.proof = Unproven
	}
	if !ev.Source.IsValid() {
		return c, false
	}
	c.source = plainAddr(ev.Source)
	c.key = keyOf(c.source.Addr())
	return c, true
}

// nameless says that the PBX did not know the account either.
func (c *claim) nameless() bool { return c.account.Name == "" || c.account.Name == "<unknown>" }

// exchange is one request for credentials that waits for its answer. It turns
// the one to four events of an attempt into one.
type exchange struct {
	claim
	id      uint64
	started time.Duration
	unknown bool // the account does not exist
	asked   bool // the PBX asked for credentials
	refused bool // by an access list, and counted
	twice   bool // refused, and reported twice
	place   int  // in the queue
}

// exchanges finds open exchanges by session and source, and keeps all in the
// order of their start.
type exchanges struct {
	open  map[uint64]*exchange
	queue []*exchange // nil: closed
	head  int         // of queue
	gone  int         // how many left it at the front
}

// exchangeID tells exchanges apart. The source is part of it: a challenge that
// was sent to one address is not answered by another.
func (s *sources) exchangeID(c *claim, session string) uint64 {
	if session == "" {
		session = c.account.Name
	}
	return maphash.Comparable(s.seed, struct {
		pbx, session string
		key          sourceKey
	}{c.account.PBX, session, c.key})
}

// begin opens an exchange.
func (s *sources) begin(id uint64, c claim) *exchange {
	e := &s.exchanges
	if len(e.queue)-e.head >= maxExchanges {
		if x := e.queue[e.head]; x != nil {
			s.end(x)
		}
		e.head++
	}
	if e.head > 1024 && e.head > len(e.queue)/2 {
		n := copy(e.queue, e.queue[e.head:])
		clear(e.queue[n:])
		e.gone += e.head
		e.queue, e.head = e.queue[:n], 0
	}
	x := &exchange{claim: c, id: id, started: s.t, place: e.gone + len(e.queue)}
	e.queue = append(e.queue, x)
	e.open[id] = x
	return x
}

// end closes an exchange, if it is not closed.
func (s *sources) end(x *exchange) {
	e := &s.exchanges
	if e.open[x.id] == x {
		delete(e.open, x.id)
	}
	if i := x.place - e.gone; i >= e.head {
		e.queue[i] = nil
	}
}

// expireExchanges judges the exchanges that nobody answered in time.
func (s *sources) expireExchanges() {
	e := &s.exchanges
	for ; e.head < len(e.queue); e.head++ {
		x := e.queue[e.head]
		if x == nil {
			continue
		}
		if s.t-x.started < answerWithin {
			break
		}
		s.unanswered(x)
	}
	if e.head == len(e.queue) {
		e.gone += e.head
		e.queue, e.head = e.queue[:0], 0
	}
}

// challenged: the PBX asks for credentials, which is nobody's fault yet.
func (s *sources) challenged(c claim, session string) {
	id := s.exchangeID(&c, session)
	x := s.exchanges.open[id]
	switch {
	case x == nil:
		x = s.begin(id, c)
	case !c.nameless() && c.account != x.account:
		s.unanswered(x)
		x = s.begin(id, c)
	}
	x.asked = true
	if c.service == chanSIP {
		s.noteDialog(&x.claim)
	}
}

// authFailed: wrong credentials, or an account that does not exist. chan_pjsip
// says the latter of the request without credentials too, so that it is no
// failure before they come and are wrong.
func (s *sources) authFailed(c claim, session string, unknown bool) {
	id := s.exchangeID(&c, session)
	x := s.exchanges.open[id]
	if c.service == chanPJSIP && unknown && !c.nameless() {
		if x != nil && x.account != c.account {
			s.unanswered(x)
			x = nil
		}
		if x == nil {
			x = s.begin(id, c)
		}
		x.unknown = true
		return
	}
	if x != nil {
		s.end(x)
		if x.refused && s.t-x.started < oneRefusal {
			return
		}
		// chan_sip names the dialled number when an INVITE fails.
		if c.service == chanSIP && x.asked || c.nameless() {
			c.account = x.account
		}
		unknown = unknown || x.unknown
	}
	if unknown {
		s.failed(c, unknownAccount)
		return
	}
	s.failed(c, wrongPassword)
}

// authRefused: an access list turned the source away.
func (s *sources) authRefused(c claim, session string) {
	id := s.exchangeID(&c, session)
	if x := s.exchanges.open[id]; x != nil {
		if x.refused && !x.twice && s.t-x.started < oneRefusal {
			x.twice = true
			return
		}
		s.end(x)
	}
	s.begin(id, c).refused = true
	s.failed(c, refusedByList)
}

// authOK: the source knows the password. chan_sip also says so of a caller whom
// it asked nothing, and then the account is whatever that caller dialled.
func (s *sources) authOK(c claim, session, agent string) {
	x := s.exchanges.open[s.exchangeID(&c, session)]
	if c.service == chanSIP {
		if x == nil || !x.asked {
			return
		}
		c.account = x.account
	}
	if x != nil {
		s.end(x)
	}
	if !c.nameless() {
		s.succeeded(c, agent)
	}
}

// unanswered: nobody sent credentials. One account is an unlucky phone; many
// are a scan, and so is one that does not exist asked for again at once.
func (s *sources) unanswered(x *exchange) {
	s.end(x)
	if x.refused || x.service == chanSIP && s.placedSince(x.account, x.started) {
		return
	}
	s.asked(x.claim, x.unknown)
}

// clip keeps the start of a foreign string, as whole characters.
func clip(text string) string {
	if len(text) <= clipped {
		return text
	}
	cut := clipped
	for cut > clipped-4 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut]
}
