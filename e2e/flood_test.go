package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/testbed"
)

// What a flood is: "make flood".
const (
	floodRate    = 100_000          // failures a second, told by a played PBX
	floodSources = 100_000          // that are forged
	floodUDP     = 300              // forged packets a second to the real PBX
	floodLasts   = 60 * time.Second // once it has begun
	floodPhones  = 20
	// floodMemory is what the guard may take in it, a third of the service's MemoryMax.
	floodMemory = 256 << 20
)

// TestFlood floods a guard of two PBXs: a played one tells of failures of forged
// sources as fast as they can be written, and a real Asterisk gets forged packets.
// At that Asterisk twenty phones register and call, five people guess a password a
// minute, and somebody calls premium numbers. What it measures it prints, as a
// ratio to what was measured just before in quiet.
func TestFlood(t *testing.T) {
	// How long a slow guesser waits between two tries.
	pace, err := time.ParseDuration(os.Getenv("PBXGUARD_FLOOD"))
	if err != nil {
		t.Skip("make flood floods the guard for six minutes")
	}
	a := testbed.Start(t, 22)
	freshWall(t)
	fl := newFlooder(t)
	d := newDaemon(t, a, settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"30m\"]\nlearn = \"0s\"", Tables: uncounted + fl.table(t)})
	d.env = []string{"GOMEMLIMIT=600MiB"} // as the service has it
	trunk := testbed.NewTrunk(t, a)
	trunk.SetAnswer(testbed.AcceptAfter(rings))
	post := newPostman(t, a.SIP)
	d.Start()
	d.WaitConnected()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var crowd sync.WaitGroup
	defer crowd.Wait()
	defer cancel()
	var phones tally
	for n := range floodPhones {
		crowd.Go(func() { phones.use(ctx, t, a, n) })
	}
	guessers := guesserAddrs(5)
	for _, from := range guessers {
		crowd.Go(func() { guessSlowly(ctx, t, a, from, pace) })
	}
	began := time.Now()
	quiet := newLatency(t, a, fl)
	// The fifth try, which is one too many, falls into the flood.
	quiet.measure(ctx, time.Until(began.Add(4*pace-15*time.Second)))
	before, bad := d.resident(), phones.bad.Load()
	for _, from := range guessers {
		if _, held := wall(t)[kept(from)]; held {
			t.Errorf("%s is banned before the flood", from)
		}
	}

	flood, stop := context.WithTimeout(ctx, floodLasts)
	defer stop()
	var flooding sync.WaitGroup
	flooding.Go(func() { fl.flood(flood) })
	flooding.Go(func() { post.flood(flood, floodUDP) })
	var memory []int64
	flooding.Go(func() { every(flood, time.Second, func() { memory = append(memory, d.resident()) }) })
	noisy := newLatency(t, a, fl)
	noisy.measure(flood, floodLasts)
	flooding.Wait()

	st := d.Status()
	fmt.Printf("\nFlood: %d failures a second of %d forged sources for %v, and %d forged packets to Asterisk\n",
		fl.told.Load()/int64(floodLasts/time.Second), floodSources, floodLasts, post.sent)
	fmt.Printf("  events read by the guard                %d, shed %d\n", st.PBXs[1].Links[1].Events, st.PBXs[0].Shed+st.PBXs[1].Shed)
	fmt.Printf("  phones                                  %d registrations and calls went well in all; %d failed before the flood, %d in it\n", phones.good.Load(), bad, phones.bad.Load()-bad)
	fmt.Printf("  memory                                  %.1f MB before, %.1f MB 10 s into it, %.1f MB at its end\n", float64(before)/1e6, float64(memory[min(10, len(memory)-1)])/1e6, float64(memory[len(memory)-1])/1e6)
	compare("kill, played PBX: Newchannel to Hangup", quiet.played, noisy.played)
	compare("kill, real Asterisk: INVITE to its end ", quiet.real, noisy.real)
	if n := phones.bad.Load() - bad; n > 0 {
		t.Errorf("%d registrations or calls of the phones failed in the flood", n)
	}
	for _, from := range guessers {
		d.await(fmt.Sprintf("%s is banned", from), 30*time.Second, func() bool { _, held := wall(t)[kept(from)]; return held })
	}
	third := len(memory) / 3
	if first, last := slices.Max(memory[:third]), slices.Max(memory[2*third:]); last > max(first*5/4, floodMemory/2) || last > floodMemory {
		t.Errorf("memory grows while the flood lasts: %d", memory)
	}
	if log := d.log.text(); strings.Contains(log, "forges events") || strings.Contains(log, "no connection to Asterisk") {
		t.Error("the guard took events for forged, or lost a connection: its log says why")
	}
	if fl.told.Load() < floodRate*int64(floodLasts/time.Second)/2 {
		t.Errorf("only %d failures were told, which is no flood", fl.told.Load())
	}
}

// compare prints how long something took in quiet and in a flood.
func compare(what string, quiet, noisy []time.Duration) {
	at := func(all []time.Duration, share float64) time.Duration {
		if len(all) == 0 {
			return 0
		}
		slices.Sort(all)
		return all[int(share*float64(len(all)-1))]
	}
	fmt.Printf("  %s  quiet p50 %v p99 %v (n %d); flood p50 %v p99 %v (n %d); ratio p50 %.1f p99 %.1f\n", what,
		at(quiet, .5).Round(10*time.Microsecond), at(quiet, .99).Round(10*time.Microsecond), len(quiet),
		at(noisy, .5).Round(10*time.Microsecond), at(noisy, .99).Round(10*time.Microsecond), len(noisy),
		float64(at(noisy, .5))/float64(max(at(quiet, .5), 1)), float64(at(noisy, .99))/float64(max(at(quiet, .99), 1)))
}

// tally counts what phones do.
type tally struct{ good, bad atomic.Int64 }

func (c *tally) count(t testing.TB, ok bool, what string, err error) {
	if ok {
		c.good.Add(1)
		return
	}
	c.bad.Add(1)
	t.Logf("%s: %v", what, err)
}

// use has a phone register and call, again and again.
func (c *tally) use(ctx context.Context, t testing.TB, a *testbed.Asterisk, n int) {
	user := accounts(floodPhones)[n]
	p := testbed.NewPhone(t, netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + n)}), user, testbed.Password(user), a.SIP)
	every(ctx, time.Second+time.Duration(n)*20*time.Millisecond, func() {
		patience, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		code, err := p.Register(patience)
		c.count(t, err == nil && code == 200, "registration of "+user, err)
		call := p.Invite(honest)
		code, err = call.Wait(patience)
		c.count(t, err == nil && code == 200, fmt.Sprint("call of ", user, ": ", code), err)
		call.Hangup(patience)
	})
}

// guesserAddrs are addresses of people who guess slowly.
func guesserAddrs(n int) (all []netip.Addr) {
	for i := range n {
		all = append(all, netip.AddrFrom4([4]byte{198, 51, 100, byte(201 + i)}))
	}
	return all
}

// guessSlowly tries one password a minute.
func guessSlowly(ctx context.Context, t testing.TB, a *testbed.Asterisk, from netip.Addr, pace time.Duration) {
	p := testbed.NewPhone(t, from, "121", "", a.SIP, testbed.FreshCallID())
	for n := 0; ctx.Err() == nil; n++ {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		p.RegisterWith(attempt, fmt.Sprint("slow", n))
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(pace):
		}
	}
}

// latency measures how soon calls are ended.
type latency struct {
	t            testing.TB
	phone        *testbed.Phone
	flooder      *flooder
	played, real []time.Duration
}

func newLatency(t testing.TB, a *testbed.Asterisk, fl *flooder) *latency {
	return &latency{t: t, flooder: fl, phone: testbed.NewPhone(t, netip.MustParseAddr("192.0.2.90"), "122", testbed.Password("122"), a.SIP)}
}

// measure places calls to premium numbers at both PBXs for some time.
func (l *latency) measure(ctx context.Context, lasts time.Duration) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		every(ctx, 100*time.Millisecond, func() {
			if took, ok := l.flooder.call(10 * time.Second); ok {
				l.played = append(l.played, took)
			} else {
				l.t.Error("the played PBX: a call to a premium number is not ended")
			}
		})
	})
	every(ctx, 500*time.Millisecond, func() {
		patience, cancel := context.WithTimeout(l.t.Context(), 15*time.Second)
		defer cancel()
		begin := time.Now()
		c := l.phone.Invite(premium)
		if at, err := c.Ended(patience); err != nil {
			l.t.Errorf("the real PBX: %v", err)
		} else {
			l.real = append(l.real, at.Sub(begin))
		}
	})
}

// flooder is an AMI server that tells of failures as fast as it can.
type flooder struct {
	t        testing.TB
	listener net.Listener
	serving  sync.WaitGroup
	begin    string // a call
	end      string // of it
	hung     chan string
	told     atomic.Int64
	calls    int

	mu    sync.Mutex
	links map[string]*floodLink
	up    string // the leg of the call that is up, as Status lists it
}

type floodLink struct {
	net.Conn
	mu sync.Mutex
}

func (l *floodLink) say(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.Write(b)
	return err
}

func newFlooder(t testing.TB) *flooder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	call, err := os.ReadFile("testdata/call.ami")
	if err != nil {
		t.Fatal(err)
	}
	hangup, err := os.ReadFile("testdata/hangup.ami")
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.SplitAfter(string(call), "\r\n\r\n")[0] // of the caller's leg
	end := strings.SplitAfter(string(hangup), "\r\n\r\n")[1]
	f := &flooder{t: t, listener: ln, begin: begin, end: end, hung: make(chan string, 1024), links: map[string]*floodLink{}}
	f.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			f.serving.Go(func() { f.serve(&floodLink{Conn: conn}) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		f.mu.Lock()
		for _, l := range f.links {
			l.Close()
		}
		f.mu.Unlock()
		f.serving.Wait()
	})
	return f
}

// table is the PBX in the configuration.
func (f *flooder) table(t testing.TB) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "manager.conf"), "")
	return fmt.Sprintf("[[pbx]]\nname = \"flood\"\naddress = %q\nusername = \"pbxguard\"\nsecret = \"x\"\nconfig_dir = %q\ntrunks = [\"trunk\"]\n"+
		"[pbx.dialplan]\ncountry = \"NL\"\nextensions = '^1\\d\\d$'\n", f.listener.Addr(), dir)
}

func (f *flooder) serve(l *floodLink) {
	defer l.Close()
	l.say([]byte("Asterisk Call Manager/11.0.0\r\n"))
	action := map[string]string{}
	for lines := bufio.NewScanner(l); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ": "); ok {
			action[key] = value
			continue
		}
		reply := "Response: Success\r\nActionID: " + action["ActionID"] + "\r\n"
		switch action["Action"] {
		case "Challenge":
			reply += "Challenge: 122774871\r\n"
		case "Login":
			f.mu.Lock()
			f.links[action["Events"]] = l
			f.mu.Unlock()
		case "Hangup":
			f.hung <- action["Channel"]
		case "Status":
			f.mu.Lock()
			reply += "EventList: start\r\nMessage: Channel status will follow\r\n\r\n" + strings.ReplaceAll(f.up, "ActionID: \r\n", "ActionID: "+action["ActionID"]+"\r\n") +
				"Event: StatusComplete\r\nActionID: " + action["ActionID"] + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n"
			f.mu.Unlock()
		}
		if l.say([]byte(reply+"\r\n")) != nil {
			return
		}
		clear(action)
	}
}

// link is the client that asked for these classes of events.
func (f *flooder) link(classes string) *floodLink {
	for {
		f.mu.Lock()
		l := f.links[classes]
		f.mu.Unlock()
		if l != nil {
			return l
		}
		time.Sleep(time.Millisecond)
	}
}

// call places a call to a premium number, and says how soon its end is ordered.
func (f *flooder) call(patience time.Duration) (time.Duration, bool) {
	f.calls++
	leg := fmt.Sprintf("1795320477.%d", 5000+f.calls)
	change := strings.NewReplacer("1795320477.2670", leg, "0031900123456", premium, "-00000a6e", fmt.Sprintf("-%08x", f.calls))
	block := change.Replace(f.begin)
	f.list("Event: Status\r\nPrivilege: Call\r\n" + strings.TrimSuffix(strings.TrimPrefix(block, "Event: Newchannel\r\nPrivilege: call,all\r\n"), "\r\n") +
		"Seconds: 0\r\nActionID: \r\n\r\n")
	defer f.list("")
	begin := time.Now()
	if f.link("call,system").say([]byte(block)) != nil {
		return 0, false
	}
	timeout := time.After(patience)
	for {
		select {
		case which := <-f.hung:
			if which != leg {
				continue
			}
			took := time.Since(begin)
			f.list("")
			f.link("call,system").say([]byte(change.Replace(f.end)))
			return took, true
		case <-timeout:
			return 0, false
		}
	}
}

// list says what Status lists from now on.
func (f *flooder) list(leg string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up = leg
}

// mark is what is made another in an event each time that it is told.
const mark = "SESSIONXX"

// flood tells of failures of all sources in turn until ctx is done, so many in
// each hundredth of a second and no more.
func (f *flooder) flood(ctx context.Context) {
	text, err := os.ReadFile("testdata/failure.ami")
	if err != nil {
		f.t.Error(err)
		return
	}
	blocks := strings.SplitAfter(string(text), "\r\n\r\n")
	failure := blocks[slices.IndexFunc(blocks, func(b string) bool {
		return strings.Contains(b, "ChallengeResponseFailed") || strings.Contains(b, "InvalidPassword")
	})]
	const share = floodRate / 100
	var parts [][]byte
	for first := 0; first < floodSources; first += share {
		var b bytes.Buffer
		for n := first; n < first+share; n++ {
			b.WriteString(strings.NewReplacer(
				"RemoteAddress: IPV4/TCP/127.0.0.2/36507", fmt.Sprintf("RemoteAddress: IPV4/UDP/10.%d.%d.%d/5060", 100+n>>16, n>>8&255, n&255),
				"SessionID: v1gm9ifs34@test", "SessionID: "+mark+fmt.Sprint(n)).Replace(failure))
		}
		parts = append(parts, b.Bytes())
	}
	l := f.link("security")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	begin := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		// Behind, it writes on at once; ahead, it waits.
		if time.Duration(n)*10*time.Millisecond > time.Since(begin) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		part := parts[n%len(parts)]
		renew(part, n/len(parts))
		if err := l.say(part); err != nil {
			if ctx.Err() == nil && err != io.EOF {
				f.t.Errorf("the guard does not read: %v", err)
			}
			return
		}
		f.told.Add(share)
	}
}

// renew makes every failure of a part one of another session. It takes no time
// that the calls placed meanwhile would wait for.
func renew(part []byte, round int) {
	fresh := fmt.Appendf(nil, "SESSION%02d", round%100)
	old := []byte(mark)
	if round > 0 {
		old = fmt.Appendf(nil, "SESSION%02d", (round-1)%100)
	}
	for rest := part; ; {
		i := bytes.Index(rest, old)
		if i < 0 {
			return
		}
		copy(rest[i:], fresh)
		rest = rest[i+len(fresh):]
	}
}
