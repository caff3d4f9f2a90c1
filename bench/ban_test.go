package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"pbxguard/firewall"
	"pbxguard/testbed"
)

// banOnAsterisk has one source after the other guess passwords until it is
// banned, while it also sends a packet a millisecond to somebody on the PBX.
func banOnAsterisk(t testing.TB, r *report, pbx *testbed.Asterisk, seen *observer) {
	const tried = 5 // failures that earn a ban
	k := listen(t)
	var told, banned, silent []time.Duration
	for i := range r.times(60) {
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(20 + i)})
		flow := newFlow(t, from, netip.AddrPortFrom(pbx.SIP.Addr(), 0))
		p := testbed.NewPhone(t, from, "101", "", pbx.SIP)
		for n := range tried - 1 {
			if code, err := p.RegisterWith(t.Context(), fmt.Sprint("guess", n)); err != nil || code != 401 {
				t.Fatalf("a wrong password was answered with %d, %v", code, err)
			}
			seen.failed(t, from)
		}
		c, err := p.Challenge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		p.RegisterAnswering(ctx, c, "the last guess") // its answer may be kept from the guesser already
		cancel()
		told = append(told, seen.failed(t, from).Sub(last))
		banned = append(banned, k.element(t, from).Sub(last))
		silent = append(silent, flow.firstDropped(t).Sub(last))
		flow.stop()
		p.Close()
	}
	r.heading("Ban from a real Asterisk 22 to the kernel: from the sending of the fifth failing REGISTER; one source after the other")
	r.spread("until Asterisk tells an AMI client that only looks", told, "")
	r.spread("until the element is in the kernel (pbxguard run)", banned, "5 ms p50")
	r.spread("until the first datagram of the source that is dropped, of 1,000/s", silent, "")
}

// banInKernel takes the firewall alone.
func banInKernel(t testing.TB, r *report) {
	testbed.Namespace(t)
	w, err := firewall.Open(firewall.Options{Table: "pbxguard_bench"})
	if err != nil {
		t.Fatal(err)
	}
	background(t, w.Run)
	t.Cleanup(func() {
		if err := w.RemoveTable(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := listen(t)
	var took []time.Duration
	for i := range r.times(1000) {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		begin := time.Now()
		if !w.Ban(netip.PrefixFrom(a, 32), time.Hour) {
			t.Fatal("the firewall takes no bans")
		}
		took = append(took, k.element(t, a).Sub(begin))
		time.Sleep(2 * time.Millisecond)
	}
	r.heading("Ban in nftables alone: Ban called to the kernel's own word of the new element")
	r.spread("firewall.Ban, 500 a second", took, "5 ms p50")
}

// kernel hears what changes in nftables.
type kernel struct {
	elements chan element
	stop     func()
}

// element is an address that was added to a set, and when that was heard.
type element struct {
	addr netip.Addr
	at   time.Time
}

// listen hears from now on until the test ends.
func listen(t testing.TB) *kernel {
	t.Helper()
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadBuffer(64 << 20); err != nil {
		t.Fatal(err)
	}
	if err := conn.JoinGroup(unix.NFNLGRP_NFTABLES); err != nil {
		t.Fatal(err)
	}
	k := &kernel{elements: make(chan element, 1<<20)}
	done, stopping := make(chan struct{}), new(atomic.Bool)
	go func() {
		defer close(done)
		if err := k.hear(conn); !stopping.Load() {
			t.Errorf("the kernel's notices are heard no more: %v", err)
		}
	}()
	k.stop = sync.OnceFunc(func() { stopping.Store(true); conn.Close(); <-done })
	t.Cleanup(k.stop)
	return k
}

// hear passes on what the kernel tells, and ends with the connection.
func (k *kernel) hear(conn *netlink.Conn) error {
	const added = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWSETELEM
	for {
		msgs, err := conn.Receive()
		if err != nil {
			return err
		}
		at := time.Now()
		for _, m := range msgs {
			if m.Header.Type != added {
				continue
			}
			for _, a := range addrsIn(m.Data) {
				select {
				case k.elements <- element{a, at}:
				default: // nobody listens
				}
			}
		}
	}
}

// addrsIn are the addresses of a message that tells of new elements.
func addrsIn(data []byte) (all []netip.Addr) {
	if len(data) < 4 { // struct nfgenmsg
		return nil
	}
	inside(data[4:], unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(list []byte) {
		inside(list, unix.NFTA_LIST_ELEM, func(elem []byte) {
			inside(elem, unix.NFTA_SET_ELEM_KEY, func(key []byte) {
				inside(key, unix.NFTA_DATA_VALUE, func(v []byte) {
					if a, ok := netip.AddrFromSlice(v); ok {
						all = append(all, a)
					}
				})
			})
		})
	})
	return all
}

// inside calls f for each attribute of one type.
func inside(data []byte, kind uint16, f func([]byte)) {
	attrs, err := netlink.UnmarshalAttributes(data)
	if err != nil {
		return
	}
	for _, a := range attrs {
		if a.Type&^uint16(netlink.Nested) == kind {
			f(a.Data)
		}
	}
}

// element waits until an address is in a set, and returns when that was heard.
func (k *kernel) element(t testing.TB, a netip.Addr) time.Time {
	t.Helper()
	at, ok := k.within(time.Minute, a)
	if !ok {
		t.Fatalf("the kernel does not tell of a ban of %s", a)
	}
	return at
}

// within waits no longer than so for addresses to be in a set, and returns when
// the last was.
func (k *kernel) within(d time.Duration, addrs ...netip.Addr) (at time.Time, ok bool) {
	missing := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		missing[a] = true
	}
	late := time.After(d)
	for len(missing) > 0 {
		select {
		case e := <-k.elements:
			if missing[e.addr] {
				delete(missing, e.addr)
				at = e.at
			}
		case <-late:
			return at, false
		}
	}
	return at, true
}

// flow is a packet a millisecond from one address to a listener on another.
type flow struct {
	in, out *net.UDPConn
	quit    chan struct{}
	running sync.WaitGroup
	stop    func()

	mu   sync.Mutex
	sent []time.Time
	last int // the number of the last that arrived, -1 if none has
	got  int // how many arrived
}

func newFlow(t testing.TB, from netip.Addr, to netip.AddrPort) *flow {
	t.Helper()
	f := &flow{quit: make(chan struct{}), last: -1}
	var err error
	if f.in, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
	if f.out, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), f.in.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	f.stop = sync.OnceFunc(func() {
		close(f.quit)
		f.in.Close()
		f.out.Close()
		f.running.Wait()
	})
	t.Cleanup(f.stop)
	f.running.Go(f.send)
	f.running.Go(f.receive)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, last := f.state(); last >= 0 {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("no packets arrive from %s, though it is not banned", from)
		}
	}
}

func (f *flow) send() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.quit:
			return
		case <-tick.C:
		}
		f.mu.Lock()
		n := len(f.sent)
		f.sent = append(f.sent, time.Now())
		f.mu.Unlock()
		f.out.Write(strconv.AppendInt(nil, int64(n), 10)) // a packet that is dropped is no error to anybody
	}
}

func (f *flow) receive() {
	buf := make([]byte, 32)
	for {
		size, err := f.in.Read(buf)
		if err != nil {
			return
		}
		n, err := strconv.Atoi(string(buf[:size]))
		if err != nil {
			continue
		}
		f.mu.Lock()
		f.last = max(f.last, n)
		f.got++
		f.mu.Unlock()
	}
}

func (f *flow) state() (sent, last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent), f.last
}

// arrivals is how many have arrived so far.
func (f *flow) arrivals() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

// firstDropped waits until fifty packets in a row have been lost, and returns
// when the first of them was sent. The ban began up to a millisecond earlier.
func (f *flow) firstDropped(t testing.TB) time.Time {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if sent, last := f.state(); sent-last > 50 {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.sent[last+1]
		}
		if time.Now().After(deadline) {
			t.Fatal("packets of a banned source still arrive")
		}
	}
}
