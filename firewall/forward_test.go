package firewall

import (
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// space is a network namespace that exists as long as the test.
type space struct{ do chan func() }

func newSpace(t *testing.T) *space {
	t.Helper()
	s := &space{do: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread ends with its namespace
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for fn := range s.do {
			fn()
		}
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(s.do) })
	return s
}

// in runs fn in the namespace; sockets opened there stay there.
func (s *space) in(fn func()) {
	done := make(chan struct{})
	s.do <- func() { defer close(done); fn() }
	<-done
}

// shell runs a command in the namespace.
func (s *space) shell(t *testing.T, command string) {
	t.Helper()
	var out []byte
	var err error
	s.in(func() { out, err = exec.Command("sh", "-ec", command).CombinedOutput() })
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// TestForwardedTrafficIsDropped puts the PBX into a container: neither its RTP
// to a banned address nor what comes from there passes the host.
func TestForwardedTrafficIsDropped(t *testing.T) {
	needKernel(t)
	host, pbx, peer := newSpace(t), newSpace(t), newSpace(t)
	for name, s := range map[string]*space{"pbx": pbx, "peer": peer} {
		tid := 0
		s.in(func() { tid = unix.Gettid() })
		host.shell(t, strings.NewReplacer("NAME", name, "TID", strconv.Itoa(tid)).Replace(
			`ip link add NAME type veth peer name eth0 netns TID && ip link set NAME up`))
	}
	host.shell(t, `ip addr add 10.9.1.1/24 dev pbx; ip addr add 10.9.2.1/24 dev peer; echo 1 > /proc/sys/net/ipv4/ip_forward`)
	pbx.shell(t, `ip link set eth0 up; ip addr add 10.9.1.2/24 dev eth0; ip route add default via 10.9.1.1`)
	peer.shell(t, `ip link set eth0 up; ip addr add 10.9.2.2/24 dev eth0; ip addr add 10.9.2.3/24 dev eth0; ip route add default via 10.9.2.1`)

	var f *Firewall
	var err error
	host.in(func() { f, err = Open(Options{Table: "pbxguard_forward"}) })
	if err != nil {
		t.Fatal(err)
	}
	var atPBX, atPeer, bystander *net.UDPConn
	pbx.in(func() { atPBX = udp(t, "10.9.1.2") })
	peer.in(func() { atPeer, bystander = udp(t, "10.9.2.2"), udp(t, "10.9.2.3") })
	eventually(t, "packets flow before the ban", func() bool {
		return passes(t, atPBX, atPeer) && passes(t, atPeer, atPBX) && passes(t, bystander, atPBX)
	})
	if err := f.kernel.load([]ban{{netip.MustParsePrefix("10.9.2.2/32"), time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if passes(t, atPBX, atPeer) {
		t.Error("the host forwarded to a banned address")
	}
	if passes(t, atPeer, atPBX) {
		t.Error("the host forwarded from a banned address")
	}
	if !passes(t, atPBX, bystander) || !passes(t, bystander, atPBX) {
		t.Error("another address is cut off")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// passes reports whether one of three datagrams gets through.
func passes(t *testing.T, from, to *net.UDPConn) bool {
	t.Helper()
	for range 3 {
		if _, err := from.WriteTo([]byte("RTP"), to.LocalAddr()); err != nil {
			t.Logf("the link is not up yet: %v", err)
			return false
		}
	}
	if err := to.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	ok := false
	for range 3 {
		if _, _, err := to.ReadFrom(make([]byte, 64)); err == nil {
			ok = true
		}
	}
	return ok
}
