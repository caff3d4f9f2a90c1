package asterisk

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"pbxguard/adapters/adaptertest"
	"pbxguard/guard"
)

// played is the fake as the suite plays it.
type played struct {
	*fakeAMI
	mu     sync.Mutex
	up     map[guard.LegID]string // the headers of each leg, for Status
	killed []guard.LegID
}

func newPlayed(t *testing.T) *played {
	p := &played{fakeAMI: newFake(t, nil), up: map[guard.LegID]string{}}
	p.fakeAMI.mu.Lock()
	defer p.fakeAMI.mu.Unlock()
	p.hangup, p.lister = p.kill, p.list
	return p
}

// tell sends an event to whoever asked for a mask, if anybody is there.
func (p *played) tell(mask, s string) {
	p.fakeAMI.mu.Lock()
	c := p.conns[mask]
	p.fakeAMI.mu.Unlock()
	if c != nil {
		c.say(s)
	}
}

// kill notes an order and says whether its leg was up, and what then happens.
func (p *played) kill(id string) (then func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	leg := guard.LegID(id)
	p.killed = append(p.killed, leg)
	_, ok = p.up[leg]
	return func() { p.End(leg) }, ok
}

// list is what Status tells.
func (p *played) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.up))
}

func (p *played) channel(leg guard.LegID, name string, set ...string) string {
	return snap("", append([]string{"Channel", name, "Uniqueid", string(leg), "Linkedid", string(leg)}, set...)...)
}

func (*played) Leg(n int) guard.LegID { return guard.LegID(fmt.Sprintf("1795320474.%d", n)) }

func (p *played) begin(leg guard.LegID, extension, number string) string {
	h := p.channel(leg, "PJSIP/"+extension+"-"+string(leg), "Exten", number)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up[leg] = h
	return h
}

func (p *played) Start(leg guard.LegID, extension, number string) {
	h := p.begin(leg, extension, number)
	p.tell(callsMask, event("Newchannel", "call,all", h))
}

func (p *played) StartUnseen(leg guard.LegID, extension, number string) {
	p.begin(leg, extension, number)
}

func (p *played) Dial(leg, trunk guard.LegID, number string) {
	p.mu.Lock()
	from := p.up[leg]
	to := snap("Dest", "Channel", "PJSIP/trunk-"+string(trunk), "Exten", number, "Context", "from-trunk", "Uniqueid", string(trunk), "Linkedid", string(leg))
	p.up[trunk] = strings.ReplaceAll(to, "Dest", "")
	p.mu.Unlock()
	p.tell(callsMask, event("DialBegin", "call,all", from, to, "DialString: "+number+"@trunk\n"))
}

func (p *played) Answer(leg guard.LegID) {
	p.mu.Lock()
	h := strings.Replace(p.up[leg], "ChannelState: 4", "ChannelState: 6", 1)
	p.up[leg] = h
	p.mu.Unlock()
	p.tell(callsMask, event("Newstate", "call,all", h))
}

func (p *played) End(leg guard.LegID) {
	p.mu.Lock()
	h, up := p.up[leg]
	delete(p.up, leg)
	p.mu.Unlock()
	if up {
		p.tell(callsMask, event("Hangup", "call,all", h, "Cause: 16\nCause-txt: Normal Clearing\n"))
	}
}

func (p *played) Fail(extension string, source netip.AddrPort) {
	remote := fmt.Sprintf("IPV4/UDP/%s/%d", source.Addr(), source.Port())
	p.tell(securityMask, secure("ChallengeSent", "PJSIP", extension, remote, "Challenge: c\n")+
		secure("ChallengeResponseFailed", "PJSIP", extension, remote, "Challenge: c\nResponse: r\nExpectedResponse: \n"))
}

func (p *played) Chatter(n int) {
	p.tell(callsMask, strings.Repeat(event("PeerStatus", "system,all", "ChannelType: SIP\nPeer: SIP/100\nPeerStatus: Registered\nAddress: 192.0.2.7:1\n"), n))
}

func (p *played) Hostile() {
	for i := range 256 {
		p.tell(callsMask, strings.Repeat(string([]byte{byte(i)}), 300)+"\r\n\r\n")
	}
	p.tell(callsMask, "Event: Newchannel\r\nPrivilege: call,all\r\n"+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	p.tell(callsMask, strings.Repeat("A: 1\r\n", 5000)+"\r\n")
}

func (p *played) Break() { p.hangUp() }

func (p *played) Killed() []guard.LegID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.killed)
}

func (p *played) Ready() bool {
	p.fakeAMI.mu.Lock()
	defer p.fakeAMI.mu.Unlock()
	return p.conns[callsMask] != nil && p.conns[securityMask] != nil
}

func TestConformance(t *testing.T) {
	var k adaptertest.Kit
	k.Play = func(t *testing.T) adaptertest.PBX { return newPlayed(t) }
	k.Watch = func(t *testing.T, p adaptertest.PBX, events chan<- guard.Event, log *slog.Logger) adaptertest.Adapter {
		pbx, err := New(Options{Name: k.Name(), Address: p.(*played).address(), Username: testUser, Secret: testSecret, Events: events, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		pbx.timing = brisk
		return pbx
	}
	adaptertest.Run(t, k)
}
