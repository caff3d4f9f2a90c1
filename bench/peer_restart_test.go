package bench

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"pbxguard/guard"
	"pbxguard/store"
	"pbxguard/testbed"
)

// restarts is what happens to bans when a program is started: after a reboot,
// when the kernel holds none, and again while the kernel holds them. A banned
// source sends a packet a millisecond all the while.
func restarts(t testing.TB, r *report) {
	r.heading("Restart: exec to every ban in the kernel; packets of a banned source, of 1,000/s, that got through a restart with the bans in the kernel")
	var standing, toBan []float64
	for _, n := range []int{1000, 10_000, 50_000, 1_000_000} {
		took := restartGuard(t, r, r.times(n))
		standing, toBan = append(standing, float64(r.times(n))), append(toBan, took)
	}
	if withFail2ban() {
		restartFail2ban(t, r, r.times(10_000), r.trials(3))
	}
	if os.Getenv("FULL") == "1" {
		restartFail2ban(t, r, 50_000, 1)
	} else {
		r.lines = append(r.lines, line{what: "  fail2ban, 50,000 bans: left out without FULL=1, it takes a quarter of an hour; a million: never, it would take hours"})
	}
	r.values("growth of pbxguard's time to ban with the bans that stand, as a power", []float64{power(standing, toBan)}, "", false, "0.15")
}

// restartGuard starts the daemon with n bans on disk, and again. It returns the
// median time to ban with so many standing, in nanoseconds.
func restartGuard(t testing.TB, r *report, n int) float64 {
	from := speaker()
	dir, banned := t.TempDir(), append(addresses(100_000_000, n-1), from)
	fill(t, filepath.Join(dir, "pbxguard.db"), banned)
	p := testbed.PlayAMI(t, nil)
	conf := peerSettings
	conf.address = p.Address()
	conf.bansMore += "max = 2000000\n" // room for more than a million
	flow := newFlow(t, from, netip.MustParseAddrPort("192.0.2.1:5060"))
	defer flow.stop()

	flush(t)
	k := listen(t)
	begin := time.Now()
	d := startDaemonIn(t, dir, conf)
	at, ok := k.within(2*time.Minute, banned...)
	if !ok {
		t.Fatalf("not all of %d bans are in the kernel after a start", n)
	}
	what := fmt.Sprintf("pbxguard, %s bans, ", grouped(float64(n)))
	aim := map[int]string{10_000: "0.5 s; 0.1 s as the moonshot", 1_000_000: "10 s; 4 s as the moonshot"}[n]
	r.spread(what+"none in the kernel", []time.Duration{at.Sub(begin)}, aim)
	flow.firstDropped(t)

	d.stop()
	arrived := flow.arrivals()
	begin = time.Now()
	d = startDaemonIn(t, dir, conf)
	ready := time.Since(begin)
	guardian := &told{title: "pbxguard", link: p.Link("security"), process: d.process, write: failingAs(t)}
	var took []time.Duration
	for range r.trials(20) {
		a := fresh()
		sent := offend(t, guardian, a)
		took = append(took, k.element(t, a).Sub(sent))
	}
	r.spread(what+"in the kernel: to watching", []time.Duration{ready}, "")
	r.values("  packets let through", []float64{float64(flow.arrivals() - arrived)}, "", false, "0")
	r.spread("  time to ban meanwhile", took, "")
	m := d.memory()
	r.values("  peak of the memory", []float64{m.peak / 1e6}, " MB", false, "the unit's MemoryMax, 768 MiB")
	d.stop()
	k.stop()
	return float64(took[len(took)/2])
}

// flush empties the kernel's tables.
func flush(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
		t.Fatalf("cannot empty the kernel's tables: %v: %s", err, out)
	}
}

var speakers atomic.Uint32

// speaker is an address that can be sent from and that nobody has used.
func speaker() netip.Addr {
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(speakers.Add(1))})
}

// fill puts bans into a daemon's file.
func fill(t testing.TB, path string, banned []netip.Addr) {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	now := time.Now()
	for _, a := range banned {
		record(t, s, guard.Ban{Prefix: netip.PrefixFrom(a, 32), Since: now, Until: now.Add(24 * time.Hour), Rule: "auth",
			Reason: "10 wrong passwords", Times: 1, Enforced: true})
	}
	commit(t, s)
	stop()
	running.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// restartFail2ban starts fail2ban with n bans in its file.
func restartFail2ban(t testing.TB, r *report, n, rounds int) {
	var took []time.Duration
	var through []float64
	for range rounds {
		f := newFail2ban(t)
		f.start(t)
		f.stop(t)
		flush(t) // of what the round before has left: nothing is told of a ban that is there
		from := speaker()
		banned := append(addresses(120_000_000, n), from)
		f.fill(t, banned)
		flow := newFlow(t, from, netip.MustParseAddrPort("192.0.2.1:5060"))
		k := listen(t)
		begin, arrived := time.Now(), flow.arrivals()
		f.launch(t)
		at, ok := k.within(20*time.Minute, banned...)
		if !ok {
			t.Fatalf("fail2ban has not all of %d bans in the kernel after a start", n)
		}
		took = append(took, at.Sub(begin))
		through = append(through, float64(flow.arrivals()-arrived))
		k.stop()
		flow.stop()
		f.kill()
	}
	what := fmt.Sprintf("fail2ban, %s bans, which it lifts when it stops", grouped(float64(n)))
	r.spread(what, took, "")
	r.values("  packets let through", through, "", false, "")
}

// fill puts bans into fail2ban's file.
func (f *fail2ban) fill(t testing.TB, banned []netip.Addr) {
	t.Helper()
	db, err := sql.Open("sqlite3", f.database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	for _, a := range banned {
		if _, err := tx.Exec(`INSERT INTO bips(jail, ip, timeofban, bantime, bancount, data) VALUES('asterisk', ?, ?, 86400, 1, '{"matches":[],"failures":10}')`, a.String(), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// power is the exponent with which y grows with x, by least squares over their
// logarithms.
func power(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range x {
		a, b := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+a, sy+b, sxx+a*a, sxy+a*b
	}
	n := float64(len(x))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
