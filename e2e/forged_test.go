package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"pbxguard/testbed"
)

// forgedNet are the addresses that a forger writes on his packets.
const forgedNet = "10.0.0.0/8"

// TestR5ForgedSources has somebody write ten thousand addresses on his packets,
// and those of the trunk and of a phone again and again. Whoever is known goes
// on calling; nobody is banned for long.
func TestR5ForgedSources(t *testing.T) {
	a := testbed.Start(t, 22)
	s := stack(a, "pjsip", a.SIP)
	freshWall(t)
	o := newOffice(t, s, settings{Bans: "enforce", Firewall: "nftables", BansMore: `learn = "0s"`})
	d, phone := o.guard, o.phone("100")
	p := newPostman(t, a.SIP)
	for n := range 10_000 {
		p.post(netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}), n)
		if n%10 == 0 { // each fails often enough to be banned for
			victim := []netip.Addr{a.Trunk.Addr(), phone.Local.Addr(), netip.AddrFrom4([4]byte{10, 2, 0, byte(n / 10 % 20)})}[n/10%3]
			p.post(victim, n)
		}
		if n%100 == 99 {
			time.Sleep(20 * time.Millisecond) // for a server that has other things to do
		}
	}
	d.await("the guard has heard of them", 30*time.Second, func() bool { return len(d.Bans()) > 0 })
	time.Sleep(3 * time.Second) // a challenge is not judged before
	o.stays(o.answered(phone, honest), time.Second)
	if code, err := phone.Register(o.ctx); err != nil || code != 200 {
		t.Errorf("the phone that was spoken of cannot register: %d, %v", code, err)
	}
	bans := d.Bans()
	for prefix, left := range wall(t) {
		if prefix.Contains(a.Trunk.Addr()) || prefix.Contains(phone.Local.Addr()) {
			t.Errorf("%s is banned", prefix)
		}
		if left == 0 || left > 10*time.Minute {
			t.Errorf("%s, which may be forged, is banned for another %v; want 10m at most", prefix, left)
		}
	}
	t.Logf("%d packets of 10,022 sources got %d of them banned", p.sent, len(bans))
	if len(bans) > 130 {
		t.Errorf("%d sources are banned, of which a minute's budget is 120", len(bans))
	}
}

// postman writes any address on what he sends.
type postman struct {
	t    testing.TB
	conn *ipv4.PacketConn
	to   *net.UDPAddr
	sent int
}

func newPostman(t testing.TB, to netip.AddrPort) *postman {
	t.Helper()
	// What is a local address may be written by whoever is here.
	if out, err := exec.Command("ip", "route", "replace", "local", forgedNet, "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("cannot take the addresses of others: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "route", "del", "local", forgedNet, "dev", "lo").Run() })
	conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &postman{t: t, conn: ipv4.NewPacketConn(conn), to: net.UDPAddrFromAddrPort(to)}
}

// post sends a REGISTER with a wrong answer to no challenge, the n-th.
func (p *postman) post(from netip.Addr, n int) {
	p.t.Helper()
	text := fmt.Sprintf("REGISTER sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s:5060;branch=z9hG4bK%[3]d\r\n"+
		"From: <sip:1%02[4]d@%[1]s>;tag=%[3]d\r\nTo: <sip:1%02[4]d@%[1]s>\r\nCall-ID: %[3]d@%[2]s\r\nCSeq: 1 REGISTER\r\n"+
		"Max-Forwards: 70\r\nContact: <sip:x@%[2]s>\r\nAuthorization: Digest username=\"1%02[4]d\", realm=\"asterisk\", "+
		"nonce=\"%[3]d\", uri=\"sip:%[1]s\", response=\"00000000000000000000000000000000\"\r\nContent-Length: 0\r\n\r\n",
		p.to.IP, from, p.sent, n%23)
	_, err := p.conn.WriteTo([]byte(text), &ipv4.ControlMessage{Src: from.AsSlice()}, p.to)
	if err != nil {
		p.t.Fatalf("cannot send in the name of %s: %v", from, err)
	}
	p.sent++
}

// flood sends so many a second, each in the name of the next address, until ctx is done.
func (p *postman) flood(ctx context.Context, perSecond int) {
	const beat = 10 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range perSecond / int(time.Second/beat) {
			p.post(netip.AddrFrom4([4]byte{10, byte(3 + n>>16), byte(n >> 8), byte(n)}), n)
			n++
		}
	}
}
