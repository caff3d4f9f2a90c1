package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/testbed"
)

// gateAsked measures how long a dial plan waits that asks before it dials: from
// the connection of FastAGI to the answer, of a pbxguard in a process of its own
// that has been told of the call by an event just before. Half of the calls are
// denied.
func gateAsked(t testing.TB, r *report) {
	p := testbed.PlayAMI(t, nil)
	port := freePort(t)
	s := settings{address: p.Address(), calls: "enforce", tables: idle + fmt.Sprintf(
		// An announcement leaves it to the gate to end a call.
		"[gate]\nenabled = true\nfastagi = \"127.0.0.1:%d\"\nannouncement = \"none\"\n", port)}
	d := startDaemon(t, s)
	d.await("the gate listens", func(st control.Status) bool {
		return st.Gate != nil && len(st.Gate.Hearts) == 1 && st.Gate.Hearts[0].Beating
	})
	link := p.Link("call,system")
	blocks := recording(t, "call_out")
	begin, end := find(t, blocks, "Newchannel", "PJSIP/100-"), find(t, blocks, "Hangup", "PJSIP/100-")
	one := func(i int) time.Duration {
		leg, channel := fmt.Sprintf("1795320474.%d", 10_000+i), fmt.Sprintf("PJSIP/1%02d-%08x", i%100, i)
		number, want := "0205550123", "allow"
		if i%2 == 1 {
			number, want = premium, "deny"
		}
		change := strings.NewReplacer(value(begin, "Exten"), number, value(begin, "Uniqueid"), leg, value(begin, "Channel"), channel)
		if _, err := io.WriteString(link, change.Replace(begin)); err != nil {
			t.Error(err)
		}
		took, got := ask(t, port, fmt.Sprintf("leg=%s&call=%s&channel=%s&trunk=trunk&number=%s", leg, leg, strings.ReplaceAll(channel, "/", "%2F"), number))
		if got != "SET VARIABLE PBXGUARD "+want+"\n" {
			t.Errorf("call to %s: got %q, want %s", number, got, want)
		}
		if _, err := io.WriteString(link, change.Replace(end)); err != nil {
			t.Error(err)
		}
		return took
	}
	one(0) // from now on the guard knows that the gate is used
	r.heading("Gate: FastAGI connection to answer, a Newchannel just before; 50 ms and less are not heard")
	i := 2
	for _, rate := range []struct{ perSecond, n int }{{1, r.times(30)}, {50, r.times(1500)}} {
		var all []time.Duration
		var mu sync.Mutex
		var asking sync.WaitGroup
		next := time.Now()
		for range rate.n {
			call := i
			asking.Go(func() {
				took := one(call)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, took)
			})
			next = next.Add(time.Second / time.Duration(rate.perSecond))
			time.Sleep(time.Until(next))
			i++
		}
		asking.Wait()
		r.spread(fmt.Sprintf("%d calls a second", rate.perSecond), all, "20 ms p99")
	}
}

// ask asks as Asterisk's dial plan does, and says how long the answer took.
func ask(t testing.TB, port int, query string) (took time.Duration, answer string) {
	t.Helper()
	at := time.Now()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "agi_network: yes\nagi_network_script: asterisk\nagi_request: agi://127.0.0.1/asterisk?"+query+"\nagi_channel: x\n\n")
	answer, err = bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Error(err)
	}
	return time.Since(at), answer
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
