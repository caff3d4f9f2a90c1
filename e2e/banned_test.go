package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// tried is how many failed logins earn a ban.
const tried = 5

// assault is a way to attack.
type assault struct {
	name string
	user string
	// try makes the nth attempt.
	try func(ctx context.Context, p *testbed.Phone, n int)
	// counted: its failures are events of their own, so that the last can be named.
	counted bool
	// tcp: it is tried over TCP as well.
	tcp bool
}

var assaults = []assault{
	{"wrong password", "101", guess, true, true},
	{"unknown user", "999", guess, true, true},
	{"scan of 200 accounts", "100", scan, false, true},
	{"calls as 200 accounts", "100", call, false, false},
}

func guess(ctx context.Context, p *testbed.Phone, n int) { p.RegisterWith(ctx, fmt.Sprint("guess", n)) }

// scan asks for 200 accounts as fast as it is answered, and then goes on slowly.
func scan(ctx context.Context, p *testbed.Phone, n int) {
	if n >= 200 {
		time.Sleep(100 * time.Millisecond)
	}
	p.User = fmt.Sprint(100 + n%200)
	p.RegisterNoAuth(ctx)
}

// call is a scan by calls abroad, in the hope that one account needs no password.
func call(ctx context.Context, p *testbed.Phone, n int) {
	if n >= 200 {
		time.Sleep(100 * time.Millisecond)
	}
	from := fmt.Sprintf("<sip:%d@%s>", 100+n%200, p.Server)
	p.Invite("900442071234567", testbed.NoAuth(), testbed.From(from)).Wait(ctx)
}

// attacker hands out addresses that nobody has used.
type attacker struct {
	mu     sync.Mutex
	v4, v6 int
}

func (a *attacker) next(v6 bool) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v6 {
		a.v6++
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:bad:%x::7", a.v6))
	}
	a.v4++
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(20 + a.v4)})
}

// crime is what is needed to commit one and to see it punished.
type crime struct {
	guard   *daemon
	witness *witness
	from    netip.Addr
	to      netip.AddrPort
	tcp     bool
	// unproven: the PBX does not tell that TCP proves the path.
	unproven bool
	// agents: the PBX tells the programs of those who fail, so that scanners are known.
	agents bool
	times  *times
}

// times are how long it took from a failure to silence.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (m *times) add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, d)
}

func (m *times) String() string {
	if len(m.all) == 0 {
		return "none"
	}
	slices.Sort(m.all)
	at := func(share float64) time.Duration {
		return m.all[int(share*float64(len(m.all)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("n %d, least %v, median %v, 90 %% %v, most %v", len(m.all), at(0), at(.5), at(.9), at(1))
}

func TestBanned(t *testing.T) {
	var silence times
	for _, tt := range []struct {
		name    string
		version int
		learn   string
		opts    []testbed.Option
	}{
		{"16", 16, "1h", nil},
		{"16 without timestamps", 16, "0s", []testbed.Option{testbed.WithoutTimestamps()}},
		{"22", 22, "0s", nil},
		{"22 without timestamps", 22, "1h", []testbed.Option{testbed.WithoutTimestamps()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := testbed.Start(t, tt.version, tt.opts...)
			scene := crime{
				guard:   walled(t, a, "ladder = [\"30m\", \"2h\"]\nlearn = \""+tt.learn+"\""),
				witness: newWitness(t, a), times: &silence,
			}
			testBanned(t, []front{{"pjsip", a.SIP}, {"pjsip over IPv6", a.SIP6}, {"sip", a.OldSIP}}, assaults, scene)
		})
	}
	t.Logf("last failure to silence: %v", &silence)
}

// front is where attackers find a PBX.
type front struct {
	name string
	to   netip.AddrPort
}

func testBanned(t *testing.T, fronts []front, assaults []assault, scene crime) {
	addresses := &attacker{}
	for _, stack := range fronts {
		if !stack.to.IsValid() {
			continue
		}
		for _, tcp := range []bool{false, true} {
			for _, as := range assaults {
				if tcp && !as.tcp {
					continue
				}
				c := scene
				c.from, c.to, c.tcp = addresses.next(stack.to.Addr().Is6()), stack.to, tcp
				transport := map[bool]string{false: "udp", true: "tcp"}[tcp]
				t.Run(stack.name+"/"+transport+"/"+as.name, func(t *testing.T) {
					t.Parallel()
					c.guard = c.guard.in(t)
					c.commit(t, as)
				})
			}
		}
		if stack.to.Addr().Is6() {
			continue // the tool does not speak it
		}
		c := scene
		c.from, c.to = addresses.next(false), stack.to
		t.Run(stack.name+"/svcrack", func(t *testing.T) {
			t.Parallel()
			c.guard = c.guard.in(t)
			c.crack(t)
		})
	}
}

// commit attacks until the attacker is silenced and somewhat longer.
func (c crime) commit(t *testing.T, as assault) {
	flow := newStream(t, c.from, c.to.Addr(), time.Millisecond)
	flow.flows()
	opts := []testbed.PhoneOption{testbed.FreshCallID()}
	if c.tcp {
		opts = append(opts, testbed.TCP())
	}
	p := testbed.NewPhone(t, c.from, as.user, "", c.to, opts...)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			attempt, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			as.try(attempt, p, n)
			cancel()
		}
	})
	defer done.Wait()
	defer stop()
	silent := flow.silence(20 * time.Second)
	c.punished(t)
	if c.tcp {
		c.hungUp(t)
	}
	if as.counted {
		c.judged(t, silent, tried)
	}
}

// crack lets svcrack at a password that it would find with its 151st guess.
func (c crime) crack(t *testing.T) {
	flow := newStream(t, c.from, c.to.Addr(), time.Millisecond)
	flow.flows()
	var out string
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { out = testbed.Svcrack(ctx, t, c.from, c.to, "119", "100-299") })
	silent := flow.silence(20 * time.Second)
	c.punished(t)
	enough := tried
	if c.agents {
		enough = (tried + 2) / 3 // each counts as three
	}
	c.judged(t, silent, enough)
	stop() // it would wait for answers
	done.Wait()
	if strings.Contains(out, "| 250") {
		t.Errorf("svcrack found the password:\n%s", out)
	}
}

// punished checks that a ban stands, is of the right length, is written down,
// and that nothing of the source reaches Asterisk any longer.
func (c crime) punished(t *testing.T) {
	t.Helper()
	time.Sleep(100 * time.Millisecond) // what Asterisk had taken in before the ban
	before := len(c.witness.from(c.from))

	left, banned := wall(t)[kept(c.from)]
	long := 10 * time.Minute
	if c.tcp && !c.unproven {
		long = 30 * time.Minute
	}
	if !banned || left > long || left < long-time.Minute {
		t.Errorf("in the kernel: banned %v for another %v; want %v", banned, left, long)
	}
	ban, known := c.guard.Ban(kept(c.from))
	if !known || !ban.Enforced || !strings.Contains(ban.Reason, c.from.String()) {
		t.Errorf("bans --json: got %+v, %v", ban, known)
	}
	t.Log(ban.Reason)
	if ds := c.guard.decided(ban.Rule, c.from); len(ds) == 0 || !ds[len(ds)-1].Enforced {
		t.Errorf("the log does not tell of the ban: %+v", ds)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	fresh := testbed.NewPhone(t, c.from, "100", testbed.Password("100"), c.to)
	if code, err := fresh.Register(ctx); err == nil {
		t.Errorf("Asterisk still answers the banned source over UDP: %d", code)
	}
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: c.from.AsSlice()}, Timeout: 300 * time.Millisecond}
	if conn, err := dial.Dial("tcp", c.to.String()); err == nil {
		conn.Close()
		t.Error("Asterisk still accepts the banned source over TCP")
	}
	if after := len(c.witness.from(c.from)); after != before {
		t.Errorf("Asterisk still hears the banned source: %d further events", after-before)
	}
}

// hungUp waits until Asterisk has no connection with the source.
func (c crime) hungUp(t *testing.T) {
	t.Helper()
	open := ""
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command("ss", "-Htn", "state", "established", "dst", netip.AddrPortFrom(c.from, 0).String()).Output()
		if err != nil {
			t.Fatal(err)
		}
		if open = string(out); open == "" {
			return
		}
	}
	t.Errorf("the banned source keeps a connection:\n%s", open)
}

// judged notes how long it took from the failure that earned the ban.
func (c crime) judged(t *testing.T, silent time.Time, enough int) {
	t.Helper()
	f := c.witness.failures(c.from)
	for deadline := time.Now().Add(5 * time.Second); len(f) < enough && time.Now().Before(deadline); f = c.witness.failures(c.from) {
		time.Sleep(20 * time.Millisecond) // the witness is behind
	}
	if len(f) < enough {
		t.Fatalf("banned after %d failures, want %d", len(f), enough)
	}
	took := silent.Sub(f[enough-1].at)
	c.times.add(took)
	if took > time.Second {
		t.Errorf("packets still passed %v after the failure that earned the ban", took)
	}
}
