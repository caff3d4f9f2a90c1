// Package drill puts invented attacks to a policy, without touching anything,
// and says whether and when it noticed them, and what they cost until then.
package drill

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"pbxguard/guard"
	"pbxguard/history"
	"pbxguard/traffic"
)

// Place is where the invented calls happen: the PBX that the policy is for.
type Place struct {
	PBX   string
	Trunk string // the endpoint that leads outside
	// Home makes a number of the PBX's country of an invented one, which is of the
	// Netherlands; nil: it stands there. Code is that country's, with a +.
	Home func(e164 string) string
	Code string
	// Zone is the PBX's. Invented times are those on its wall; nil: Amsterdam's.
	Zone *time.Location
	// Dial is what a phone dials to reach a number in E.164, and Send what the
	// trunk is then sent.
	Dial, Send func(e164 string) string
	// Extension is the name of the office's n-th extension; nil: its number.
	Extension func(invented string) string
}

// script is a story as the player wants it.
type script struct {
	place  Place
	calls  []history.Call
	labels []string // of each call, the attack that it is part of
	// numbers are what each call reaches outside, in E.164.
	numbers []string
	events  []guard.Event
}

func (s *script) extension(name string) string {
	if s.place.Extension == nil {
		return name
	}
	return s.place.Extension(name)
}

func (s *script) account(name string) guard.Account {
	return guard.Account{PBX: s.place.PBX, Name: s.extension(name)}
}

func (s *script) trunk() guard.Account {
	return guard.Account{PBX: s.place.PBX, Name: s.place.Trunk}
}

// at is an invented time on the wall of the PBX.
func (s *script) at(t time.Time) time.Time {
	if s.place.Zone == nil {
		return t
	}
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), s.place.Zone)
}

// home is a number as it is in the PBX's country.
func (s *script) home(e164 string) string {
	if s.place.Home == nil || !strings.HasPrefix(e164, "+31") {
		return e164
	}
	return s.place.Home(e164)
}

// write turns a story into calls and events.
func (s *script) write(story traffic.Story) {
	for _, l := range story.Logins {
		at := netip.AddrPortFrom(l.Source, 5060)
		account := s.account(l.Extension)
		session := "r" + strconv.Itoa(len(s.events))
		l.At = s.at(l.At)
		s.events = append(s.events,
			guard.Event{Kind: guard.AuthOK, At: l.At, Account: account, Source: at, Proof: guard.Path, Service: "PJSIP", Session: session, Agent: l.Agent},
			guard.Event{Kind: guard.Registered, At: l.At, Account: account, Source: at, Proof: guard.Path, Service: "PJSIP", Agent: l.Agent})
	}
	for _, c := range story.Calls {
		c.Start = s.at(c.Start)
		c.Number, c.Caller, c.Shown = s.home(c.Number), s.home(c.Caller), s.home(c.Shown)
		s.call(&c)
	}
	slices.SortStableFunc(s.events, func(a, b guard.Event) int { return a.At.Compare(b.At) })
}

func (s *script) add(of *traffic.Call, calls ...history.Call) {
	for _, c := range calls {
		s.calls = append(s.calls, c)
		s.labels = append(s.labels, of.Attack)
		s.numbers = append(s.numbers, of.Number)
	}
}

// call writes one call, in as many records as a PBX would.
func (s *script) call(c *traffic.Call) {
	h := history.Call{Start: c.Start, End: c.Ring + c.Talk, Cause: cause(c), Source: c.Source, Agent: c.Agent}
	if c.Talk > 0 {
		h.Answer = c.Ring
	}
	id := strconv.Itoa(len(s.calls))
	dialled := c.Dialled
	if dialled == "" && c.Number != "" {
		dialled = s.place.Dial(c.Number)
	}
	sent := dialled
	if c.Number != "" {
		sent = s.place.Send(c.Number)
	}
	if c.Slip != traffic.NoSlip {
		dialled, sent = c.Slip.Of(dialled), c.Slip.Of(sent)
	}
	phone, trunk := history.Party{Account: s.account(c.Extension)}, history.Party{Account: s.trunk()}
	outside := h
	outside.Dialled, outside.Sent, outside.Out, outside.Shown = dialled, sent, true, c.Shown
	outside.From, outside.To = phone, trunk
	if outside.Shown == "" {
		outside.Shown = s.home(traffic.DID(c.Extension))
	}
	inside := h
	inside.Dialled, inside.Caller, inside.Context = s.extension(c.Extension), c.Caller, "from-trunk"
	inside.From, inside.To = trunk, phone
	inside.Source, inside.Agent = netip.Addr{}, ""
	switch c.Path {
	case traffic.Out:
		s.add(c, outside)
	case traffic.Inside:
		h.Dialled, h.From, h.To = s.extension(c.Dialled), phone, history.Party{Account: s.account(c.Dialled)}
		s.add(c, h)
	case traffic.In:
		s.add(c, inside)
	case traffic.Diverted:
		s.diverted(c, inside, outside, id)
	case traffic.Sent:
		s.sent(c, inside, outside, id)
	case traffic.Through:
		outside.From, outside.Context = trunk, "dial-through"
		outside.Caller, outside.Dialled = c.Caller, traffic.ServiceDID[1:]
		s.add(c, outside)
	}
}

// diverted: the phone answers its call from outside with another number, and a
// Local channel calls that.
func (s *script) diverted(c *traffic.Call, inside, outside history.Call, id string) {
	pair := outside.Dialled + "@internal-" + id
	inside.From.Leg, inside.To.Leg = "in-"+id, "phone-"+id
	inside.Answer, inside.Forward, inside.End = 0, outside.Dialled, 50*time.Millisecond
	first := inside
	first.Forward, first.End, first.Answer = "", outside.End, outside.Answer
	first.Start = c.Start.Add(50 * time.Millisecond)
	first.To = history.Party{Leg: pair + ";1", Side: guard.LocalOne, Pair: pair}
	second := outside
	second.Start, second.Caller, second.Shown = first.Start, c.Caller, c.Caller
	second.From = history.Party{Leg: pair + ";2", Side: guard.LocalTwo, Pair: pair}
	second.Source, second.Agent = netip.Addr{}, ""
	inside.End = first.End + 50*time.Millisecond // the caller's leg stays
	s.add(c, inside, first, second)
}

// sent: after a minute the outsider sends the extension on.
func (s *script) sent(c *traffic.Call, inside, outside history.Call, id string) {
	const chat = time.Minute
	inside.From.Leg, inside.To.Leg = "in-"+id, "phone-"+id
	inside.End, inside.Answer = inside.End+chat, time.Second
	outside.From.Leg, outside.Start = inside.To.Leg, c.Start.Add(chat)
	outside.Source, outside.Agent = netip.Addr{}, ""
	s.add(c, inside, outside)
	s.events = append(s.events, guard.Event{
		Kind: guard.LegTransferred, At: outside.Start, Leg: guard.LegID(inside.To.Leg), Other: guard.LegID(inside.From.Leg),
		Account: s.trunk(), Number: outside.Dialled, Context: "internal",
	})
}

// cause is the Q.850 cause that a call ends with.
func cause(c *traffic.Call) int {
	switch {
	case c.Failed:
		return 1 // unallocated number
	case c.Talk == 0:
		return 19 // no answer
	}
	return 16
}
