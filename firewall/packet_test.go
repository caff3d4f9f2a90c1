package firewall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	pbx4  = "198.51.100.1"
	pbx6  = "2001:db8:ffff::1"
	good4 = "203.0.113.200" // never banned
	good6 = "2001:db8:eeee::1"
)

// udp is a socket bound to an address.
func udp(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// arrives reports whether a datagram gets from one socket to the other. A
// later one from a third, which always arrives, proves that it did not.
func arrives(t testing.TB, from, to, proof *net.UDPConn) bool {
	t.Helper()
	dst := to.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := from.WriteToUDPAddrPort([]byte("test"), dst); err != nil && !errors.Is(err, syscall.EPERM) {
		t.Fatal(err)
	}
	if _, err := proof.WriteToUDPAddrPort([]byte("proof"), dst); err != nil {
		t.Fatal(err)
	}
	got := false
	for b := make([]byte, 64); ; {
		if err := to.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := to.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatalf("the proof did not arrive: %v", err)
		}
		if string(b[:n]) == "proof" {
			return got
		}
		got = true
	}
}

// leaves reports whether a datagram, such as our own RTP, gets out to a peer. A
// drop in the output chain makes the kernel answer EPERM.
func leaves(t testing.TB, from, to *net.UDPConn) bool {
	t.Helper()
	_, err := from.WriteTo([]byte("RTP"), to.LocalAddr())
	if err != nil && !errors.Is(err, syscall.EPERM) {
		t.Fatal(err)
	}
	return err == nil
}

func TestBannedAddressIsSilent(t *testing.T) {
	tests := []struct {
		name, ban, from string
		silent          bool
	}{
		{"IPv4 address", "198.51.100.5/32", "198.51.100.5", true},
		{"its neighbour", "198.51.100.5/32", "198.51.100.6", false},
		{"IPv4 address written as IPv6", "::ffff:198.51.100.5/128", "198.51.100.5", true},
		{"host bits set", "198.51.100.77/26", "198.51.100.64", true},
		{"IPv4 prefix, first", "198.51.100.64/26", "198.51.100.64", true},
		{"IPv4 prefix, last", "198.51.100.64/26", "198.51.100.127", true},
		{"before it", "198.51.100.64/26", "198.51.100.63", false},
		{"behind it", "198.51.100.64/26", "198.51.100.128", false},
		{"IPv6 /64", "2001:db8:1:2::/64", "2001:db8:1:2:aaaa:bbbb:cccc:dddd", true},
		{"the next /64", "2001:db8:1:2::/64", "2001:db8:1:3::1", false},
		{"IPv6 /56, inside", "2001:db8:1:200::/56", "2001:db8:1:2ff::9", true},
		{"IPv6 /56, outside", "2001:db8:1:200::/56", "2001:db8:1:300::9", false},
		{"one IPv6 address", "2001:db8:1:2::7/128", "2001:db8:1:2::7", true},
		{"its IPv6 neighbour", "2001:db8:1:2::7/128", "2001:db8:1:2::8", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := running(t, Options{})
			pbx, proof := udp(t, pbx4), udp(t, good4)
			if strings.Contains(tt.from, ":") {
				pbx, proof = udp(t, pbx6), udp(t, good6)
			}
			peer := udp(t, tt.from)
			if !arrives(t, peer, pbx, proof) || !leaves(t, pbx, peer) {
				t.Fatal("packets do not flow before the ban")
			}
			mustBan(t, f, tt.ban, time.Hour)
			if got := arrives(t, peer, pbx, proof); got == tt.silent {
				t.Errorf("from %s with %s banned: arrives %v", tt.from, tt.ban, got)
			}
			if got := leaves(t, pbx, peer); got == tt.silent {
				t.Errorf("to %s with %s banned: leaves %v", tt.from, tt.ban, got)
			}
			mustUnban(t, f, tt.ban)
			if !arrives(t, peer, pbx, proof) || !leaves(t, pbx, peer) {
				t.Error("packets do not flow after the unban")
			}
		})
	}
}

func TestBanExpires(t *testing.T) {
	f := running(t, Options{})
	pbx, proof := udp(t, pbx4), udp(t, good4)
	for _, ban := range []string{"198.51.100.5/32", "198.51.100.4/30"} {
		peer := udp(t, "198.51.100.5")
		mustBan(t, f, ban, 300*time.Millisecond)
		if arrives(t, peer, pbx, proof) {
			t.Fatalf("%s: packet passed during the ban", ban)
		}
		took := eventually(t, "end of the ban", func() bool { return arrives(t, peer, pbx, proof) })
		// A prefix is kept in whole seconds, rounded up.
		if took < 100*time.Millisecond || took > 2*time.Second {
			t.Errorf("ban of %s for 300 ms ended after %v", ban, took)
		}
	}
}

// TestTCPConnectionIsCut checks that a ban silences a running connection and
// that the server's end of it goes away.
func TestTCPConnectionIsCut(t *testing.T) {
	tests := []struct{ name, network, listen, from, ban string }{
		{"IPv4", "tcp4", pbx4, "198.51.100.5", "198.51.100.5/32"},
		{"IPv4 on a dual-stack socket", "tcp", "::", "198.51.100.5", "198.51.100.5/32"},
		{"IPv4 prefix", "tcp4", pbx4, "198.51.100.5", "198.51.100.4/30"},
		{"IPv6", "tcp6", pbx6, "2001:db8:1:2::5", "2001:db8:1:2::/64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := running(t, Options{})
			l, err := net.Listen(tt.network, net.JoinHostPort(tt.listen, "0"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			server, client := connect(t, l, tt.from)
			_, bystander := connect(t, l, map[bool]string{true: good6, false: good4}[strings.Contains(tt.from, ":")])

			mustBan(t, f, tt.ban, time.Hour)
			if err := server.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Write([]byte("INVITE")); err != nil {
				t.Logf("client: %v", err)
			}
			n, err := server.Read(make([]byte, 64))
			if n > 0 || !errors.Is(err, syscall.ECONNABORTED) {
				t.Errorf("server read %d bytes, %v; want ECONNABORTED", n, err)
			}
			if _, err := bystander.Write([]byte("INVITE")); err != nil {
				t.Errorf("the connection of another address was cut: %v", err)
			}
			d := net.Dialer{Timeout: 200 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(tt.from)}}
			if c, err := d.Dial("tcp", client.RemoteAddr().String()); err == nil {
				c.Close()
				t.Error("the banned address connected again")
			}
		})
	}
}

// connect opens a connection to l and returns both ends.
func connect(t *testing.T, l net.Listener, from string) (server, client net.Conn) {
	t.Helper()
	to := l.Addr().(*net.TCPAddr)
	host := to.IP.String()
	if to.IP.IsUnspecified() {
		host = pbx4
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client, err := d.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(to.Port)))
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// TestRebanLeavesNoGap changes the length of bans while the banned addresses
// send as fast as they can.
func TestRebanLeavesNoGap(t *testing.T) {
	f := running(t, Options{})
	pbx := udp(t, pbx4)
	ctx, stop := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	var sent atomic.Int64
	mustBan(t, f, "198.51.100.5/32", time.Hour)
	mustBan(t, f, "198.51.100.64/26", time.Hour)
	for _, from := range []string{"198.51.100.5", "198.51.100.70"} {
		peer := udp(t, from)
		senders.Go(func() {
			for ctx.Err() == nil {
				if _, err := peer.WriteTo([]byte("REGISTER"), pbx.LocalAddr()); err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	for i := range 500 {
		d := time.Duration(i%5) * time.Hour // 0 is until lifted
		mustBan(t, f, "198.51.100.5/32", d)
		mustBan(t, f, "198.51.100.64/26", d)
		mustBan(t, f, fmt.Sprintf("198.51.100.%d/32", 128+i%100), d)
		mustBan(t, f, fmt.Sprintf("198.51.100.%d/31", 128+i%100), d)
	}
	stop()
	senders.Wait()
	if err := pbx.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := pbx.ReadFrom(make([]byte, 64)); err == nil {
		t.Errorf("%d bytes from %v passed in one of 2000 changes", n, from)
	}
	t.Logf("%d packets sent, none passed", sent.Load())
	if sent.Load() < 1000 {
		t.Errorf("only %d packets were sent: the test proves nothing", sent.Load())
	}
}
