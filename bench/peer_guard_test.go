package bench

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// told is a program that reads failures from a played PBX.
type told struct {
	title   string
	link    net.Conn
	process int
	write   func(b *strings.Builder, from netip.Addr, n int)
	n       int
}

func (p *told) name() string { return p.title }
func (p *told) pid() int     { return p.process }

func (p *told) fail(t testing.TB, sources ...netip.Addr) {
	t.Helper()
	var b strings.Builder
	for _, a := range sources {
		p.n++
		p.write(&b, a, p.n)
	}
	if _, err := io.WriteString(p.link, b.String()); err != nil {
		t.Fatalf("%s: %v", p.title, err)
	}
}

// peerSettings has pbxguard ban after as many failures as fail2ban does, and for
// as long as it takes.
var peerSettings = settings{
	bans: "enforce", firewall: "nftables",
	bansMore: fmt.Sprintf("failures = %d\nlearn = \"0s\"\nbudget = 100000\n", retries),
}

// startGuard starts the daemon behind a PBX of its own, with further lines of
// [bans].
func startGuard(t testing.TB, more string) *told {
	t.Helper()
	conf := peerSettings
	conf.bansMore += more
	s := conf.played(t)
	return &told{title: "pbxguard", link: s.pbx.Link("security"), process: s.cmd.Process.Pid, write: failingAs(t)}
}

// failingAs returns what writes one wrong password, as a real Asterisk told of
// it, the nth of all and for an account of its own, over TCP.
func failingAs(t testing.TB) func(b *strings.Builder, from netip.Addr, n int) {
	t.Helper()
	blocks := recording(t, "register_wrong_password")
	failed := find(t, blocks, "ChallengeResponseFailed", "Service: PJSIP")
	text := strings.NewReplacer(
		"AccountID: "+value(failed, "AccountID"), "AccountID: \x00",
		value(failed, "SessionID"), "\x00", value(failed, "RemoteAddress"), "\x00").Replace(failed)
	parts := strings.Split(text, "\x00")
	if len(parts) != 4 {
		t.Fatalf("the recording has another form than thought: %q", failed)
	}
	return func(b *strings.Builder, from netip.Addr, n int) {
		fmt.Fprintf(b, "%s%d%s%d@test%sIPV4/TCP/%s/5060%s", parts[0], 1000+n%1000, parts[1], n, parts[2], from, parts[3])
	}
}
