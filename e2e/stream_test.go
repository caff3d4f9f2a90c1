package e2e

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"
)

// stream is a flow of packets from one address to a listener of its own beside
// the PBX. Where it breaks off a ban has begun, to the packet.
type stream struct {
	t     testing.TB
	every time.Duration
	in    *net.UDPConn
	out   *net.UDPConn
	quit  chan struct{}
	done  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	sent    []time.Time
	arrived int // how many
	last    int // the number of the last that did, -1 if none
}

// newStream sends a packet each so often until the test ends.
func newStream(t testing.TB, from, to netip.Addr, every time.Duration) *stream {
	t.Helper()
	s := &stream{t: t, every: every, quit: make(chan struct{}), last: -1}
	var err error
	if s.in, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 0))); err != nil {
		t.Fatal(err)
	}
	target := s.in.LocalAddr().(*net.UDPAddr)
	if s.out, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), target); err != nil {
		t.Fatal(err)
	}
	s.done.Go(s.send)
	s.done.Go(s.receive)
	t.Cleanup(func() {
		close(s.quit)
		s.in.Close()
		s.out.Close()
		s.done.Wait()
	})
	return s
}

func (s *stream) send() {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		n := len(s.sent)
		s.sent = append(s.sent, time.Now())
		s.mu.Unlock()
		// A packet dropped on the way out is an error to its sender at most.
		s.out.Write([]byte(strconv.Itoa(n)))
	}
}

func (s *stream) receive() {
	buf := make([]byte, 64)
	for {
		n, err := s.in.Read(buf)
		if err != nil {
			return
		}
		number, err := strconv.Atoi(string(buf[:n]))
		if err != nil {
			continue // not ours
		}
		s.mu.Lock()
		s.arrived++
		s.last = max(s.last, number)
		s.mu.Unlock()
	}
}

// counts is how many packets were sent and how many of them arrived.
func (s *stream) counts() (sent, arrived int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent), s.arrived
}

// flows waits until packets arrive.
func (s *stream) flows() {
	s.t.Helper()
	_, before := s.counts()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, now := s.counts(); now > before {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("no packets arrive, though nobody is banned")
		}
	}
}

// silence waits until a hundred packets in a row have not arrived, and returns
// when the first of them was sent.
func (s *stream) silence(limit time.Duration) time.Time {
	s.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		lost, first := len(s.sent)-1-s.last, s.last+1
		if lost > 100 {
			defer s.mu.Unlock()
			return s.sent[first]
		}
		s.mu.Unlock()
		if time.Now().After(deadline) {
			s.t.Fatalf("packets still arrive after %v", limit)
		}
	}
}
