package firewall

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// kernelBans lists a set by prefix with what is left of each ban.
func kernelBans(t testing.TB, table, set string) map[netip.Prefix]time.Duration {
	t.Helper()
	out := make(map[netip.Prefix]time.Duration)
	var all []dumped
	err := dump(soon(t), table, set, func(e []dumped) error { all = append(all, e...); return nil })
	if err != nil && !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	if set == "net4" || set == "net6" {
		return joinRuns(all)
	}
	for _, e := range all {
		out[hashPrefix(e.key)] = e.left
	}
	return out
}

func TestReconcileAdopts(t *testing.T) {
	table := testTable(t)
	f := running(t, Options{Table: table})
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	for _, e := range []string{
		"ban4 { 198.51.100.1 timeout 1h }",       // unknown to the store
		"ban4 { 198.51.100.2 }",                  // the same, until lifted
		"ban4 { 198.51.100.3 timeout 1h }",       // known
		"ban4 { 198.51.100.4 timeout 2h }",       // lasts longer than the store says
		"ban4 { 198.51.100.5 timeout 10m }",      // ends before the store says
		"ban6 { 2001:db8:1:: timeout 30m }",      // unknown
		"ban6 { 2001:db8:2:: timeout 30m }",      // known
		"ban4 { 198.51.100.7 timeout 1h }",       // lifted just now, below
		"ban4 { 198.51.100.8, 198.51.100.9 }",    // the store has an end
		"ban4 { 198.51.100.10 timeout 1000d }",   // the store has it until lifted
		"ban4 { 198.51.100.11 timeout 1h }",      // an expired entry of the store
		"ban6 { 2001:db8:3:: timeout 3600500ms}", // known, a little longer
	} {
		nft(t, "add element inet "+table+" "+e)
	}
	mustUnban(t, f, "198.51.100.7/32")
	want := []Entry{
		{netip.MustParsePrefix("198.51.100.3/32"), in(time.Hour)},
		{netip.MustParsePrefix("198.51.100.4/32"), in(time.Hour)},
		{netip.MustParsePrefix("198.51.100.5/32"), in(time.Hour)},
		{netip.MustParsePrefix("198.51.100.6/32"), in(time.Hour)}, // the kernel lacks it
		{netip.MustParsePrefix("198.51.100.7/32"), in(time.Hour)}, // read before it was lifted
		{netip.MustParsePrefix("198.51.100.8/32"), in(time.Hour)},
		{netip.MustParsePrefix("198.51.100.10/32"), time.Time{}},
		{netip.MustParsePrefix("198.51.100.11/32"), in(-time.Hour)},
		{netip.MustParsePrefix("2001:db8:2::/64"), in(30 * time.Minute)},
		{netip.MustParsePrefix("2001:db8:3::/64"), in(time.Hour)},
		{netip.MustParsePrefix("192.0.2.0/24"), in(time.Hour)},
	}
	got := make(map[string]time.Duration)
	err := f.Reconcile(soon(t), want, func(e Entry) {
		left := time.Duration(0)
		if !e.Until.IsZero() {
			left = time.Until(e.Until).Round(time.Minute)
		}
		got[e.Prefix.String()] = left
	})
	if err != nil {
		t.Fatal(err)
	}
	adopted := map[string]time.Duration{
		"198.51.100.1/32": time.Hour, "198.51.100.2/32": 0, "198.51.100.4/32": 2 * time.Hour,
		"198.51.100.8/32": 0, "198.51.100.9/32": 0, "198.51.100.11/32": time.Hour,
		"2001:db8:1::/64": 30 * time.Minute,
	}
	if !maps.Equal(got, adopted) {
		t.Errorf("adopted:\n got %v\nwant %v", got, adopted)
	}
	kernel := map[string]time.Duration{
		"198.51.100.1/32": time.Hour, "198.51.100.2/32": 0, "198.51.100.3/32": time.Hour,
		"198.51.100.4/32": 2 * time.Hour, "198.51.100.5/32": time.Hour, "198.51.100.6/32": time.Hour,
		"198.51.100.8/32": 0, "198.51.100.9/32": 0, "198.51.100.10/32": 0, "198.51.100.11/32": time.Hour,
	}
	check := func(when string) {
		t.Helper()
		have := make(map[string]time.Duration)
		for p, left := range kernelBans(t, table, "ban4") {
			have[p.String()] = left.Round(time.Minute)
		}
		if !maps.Equal(have, kernel) {
			t.Errorf("ban4 %s:\n got %v\nwant %v", when, have, kernel)
		}
		if n := len(kernelBans(t, table, "ban6")); n != 3 {
			t.Errorf("ban6 %s: %d elements, want 3", when, n)
		}
		if left := kernelBans(t, table, "net4")[netip.MustParsePrefix("192.0.2.0/24")].Round(time.Minute); left != time.Hour {
			t.Errorf("net4 %s: left %v", when, left)
		}
	}
	check("after Reconcile")
	// What was adopted is wanted: a rebuild brings it back.
	nft(t, "flush", "ruleset")
	eventually(t, "rebuild", func() bool { return f.Stats().Rebuilds == 1 })
	check("after a flush")
	if err := f.Reconcile(soon(t), want, func(e Entry) { t.Errorf("adopted again: %v", e) }); err != nil {
		t.Error(err)
	}
}

// TestReconcileAdoptsPrefixes starts with prefixes in the kernel.
func TestReconcileAdoptsPrefixes(t *testing.T) {
	table := testTable(t)
	first, err := Open(Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, first)
	mustBan(t, first, "198.51.100.0/26", time.Hour)
	mustBan(t, first, "198.51.100.16/28", 0) // inside the former
	mustBan(t, first, "203.0.113.0/25", time.Hour)
	mustBan(t, first, "2001:db8:2::/48", 2*time.Hour)
	stop()

	f := running(t, Options{Table: table})
	mustBan(t, f, "192.0.2.0/24", time.Hour) // rewrites the set before it is known
	want := []Entry{
		{netip.MustParsePrefix("198.51.100.0/26"), time.Now().Add(time.Hour)},
		{netip.MustParsePrefix("2001:db8:2::/48"), time.Now().Add(time.Hour)},
	}
	var got []string
	if err := f.Reconcile(soon(t), want, func(e Entry) { got = append(got, e.Prefix.String()) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	// The /28 was until lifted and is not in want; the /48 lasted longer.
	if adopted := []string{"198.51.100.16/28", "2001:db8:2::/48", "203.0.113.0/25"}; !slices.Equal(got, adopted) {
		t.Errorf("adopted: got %v, want %v", got, adopted)
	}
	mustUnban(t, f, "198.51.100.0/26")
	pbx, proof := udp(t, pbx4), udp(t, good4)
	for from, passes := range map[string]bool{"198.51.100.17": false, "198.51.100.15": true, "203.0.113.5": false} {
		if got := arrives(t, udp(t, from), pbx, proof); got != passes {
			t.Errorf("from %s: arrives %v, want %v", from, got, passes)
		}
	}
}

func TestReconcileLeavesOutWhatDoesNotFit(t *testing.T) {
	f := running(t, Options{Max: 3})
	want := []Entry{
		{Prefix: netip.MustParsePrefix("127.0.0.1/32")},
		{Prefix: netip.MustParsePrefix("0.0.0.0/0")},
		{Prefix: testPrefix4(1)}, {Prefix: testPrefix4(2)}, {Prefix: testPrefix4(3)}, {Prefix: testPrefix4(4)},
	}
	err := f.Reconcile(soon(t), want, func(Entry) {})
	if !errors.Is(err, ErrRefused) || !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrRefused and ErrFull", err)
	}
	holds(t, f.opt.Table, "ban4", 3)
}

// TestR17EveryElementArrives: large adds once lost elements without an error.
func TestR17EveryElementArrives(t *testing.T) {
	f := running(t, Options{})
	rapid.Check(t, func(rt *rapid.T) {
		n4 := rapid.IntRange(0, 5000).Draw(rt, "IPv4")
		n6 := rapid.SampledFrom([]int{0, 1, 999, 1000, 1001, 5000 - n4}).Draw(rt, "IPv6")
		var want []Entry
		for i := range n4 {
			want = append(want, Entry{Prefix: testPrefix4(i)})
		}
		for i := range max(n6, 0) {
			want = append(want, Entry{Prefix: testPrefix6(i), Until: time.Now().Add(time.Hour)})
		}
		if err := f.Reconcile(soon(t), want, func(e Entry) { rt.Errorf("adopted %v", e) }); err != nil {
			rt.Fatal(err)
		}
		holds(rt, f.opt.Table, "ban4", n4)
		holds(rt, f.opt.Table, "ban6", max(n6, 0))
		for _, e := range want { // through the queue, as far as it goes
			for !f.Unban(e.Prefix) {
				time.Sleep(time.Millisecond)
			}
		}
		mustUnban(t, f, "192.0.2.1/32") // the last of the queue
		holds(rt, f.opt.Table, "ban4", 0)
		holds(rt, f.opt.Table, "ban6", 0)
		if err := f.do(soon(t), func(o *owner) { clear(o.lifted) }); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestBanDuringLoad: a load of 100,000 does not make a guesser wait for its end.
func TestBanDuringLoad(t *testing.T) {
	f := running(t, Options{})
	loaded := make(chan error, 1)
	want := entries(100_000)
	start := time.Now()
	go func() { loaded <- f.Reconcile(soon(t), want, func(e Entry) { t.Errorf("adopted %v", e) }) }()
	var worst time.Duration
	for n := 0; ; n++ {
		select {
		case err := <-loaded:
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bans went in during a load of %v, the slowest in %v", n, time.Since(start), worst)
			if n < 10 {
				t.Errorf("only %d bans went in during the load", n)
			}
			return
		default:
		}
		asked := time.Now()
		mustBan(t, f, prefix4(172<<24+uint32(n)).String(), time.Hour)
		worst = max(worst, time.Since(asked))
	}
}

// TestKernelEqualsToldBans changes bans from many goroutines, with reconciles
// and flushes in between, and compares the end with a model.
func TestKernelEqualsToldBans(t *testing.T) {
	f := running(t, Options{})
	const workers, steps = 8, 300
	model := make([]map[netip.Prefix]bool, workers)
	ctx, stop := context.WithCancel(context.Background())
	var trouble, all sync.WaitGroup
	trouble.Go(func() {
		for ctx.Err() == nil {
			flushRuleset(t)
			if err := f.Reconcile(soon(t), nil, func(Entry) {}); err != nil {
				t.Error(err)
			}
		}
	})
	for w := range workers {
		model[w] = make(map[netip.Prefix]bool)
		all.Go(func() {
			for i := range steps {
				p := testPrefix4(w*1000 + i*7%50)
				switch i % 3 {
				case 1:
					p = testPrefix6(w*1000 + i*7%50)
				case 2:
					p = netip.PrefixFrom(testPrefix4(1<<20+w<<12+(i*7%50)<<4).Addr(), 28)
				}
				if i*13%5 < 2 {
					delete(model[w], p)
					mustUnban(t, f, p.String())
					continue
				}
				model[w][p] = true
				mustBan(t, f, p.String(), time.Duration(i%4)*time.Hour)
			}
		})
	}
	all.Wait()
	stop()
	trouble.Wait()
	if err := f.Reconcile(soon(t), nil, func(e Entry) { t.Errorf("adopted %v", e) }); err != nil {
		t.Fatal(err)
	}
	want := make(map[netip.Prefix]bool)
	for _, m := range model {
		maps.Copy(want, m)
	}
	told := 0
	for _, set := range []string{"ban4", "ban6"} {
		for p := range kernelBans(t, f.opt.Table, set) {
			if told++; !want[p] {
				t.Errorf("%s is in %s and not banned", p, set)
			}
		}
	}
	ends := kernelBans(t, f.opt.Table, "net4")
	for p := range want {
		if !hashed(p) {
			told++
			if !slices.ContainsFunc(slices.Collect(maps.Keys(ends)), func(q netip.Prefix) bool { return q.Overlaps(p) }) {
				t.Errorf("%s is banned and not in net4", p)
			}
		}
	}
	if told != len(want) {
		t.Errorf("%d bans in the kernel, want %d", told, len(want))
	}
	t.Logf("%d bans, %d rebuilds", len(want), f.Stats().Rebuilds)
}

// TestRebanTakesNewLength changes the length of bans in every direction.
func TestRebanTakesNewLength(t *testing.T) {
	f := running(t, Options{})
	lengths := []time.Duration{time.Hour, 2 * time.Hour, 10 * time.Minute, 0, time.Hour, 0, 0, 24 * time.Hour, 24 * time.Hour}
	for _, tt := range []struct{ ban, set string }{
		{"198.51.100.5/32", "ban4"}, {"2001:db8:1:2::/64", "ban6"},
		{"198.51.100.64/26", "net4"}, {"2001:db8:2::/48", "net6"},
	} {
		for i, d := range lengths {
			mustBan(t, f, tt.ban, d)
			left, ok := kernelBans(t, f.opt.Table, tt.set)[netip.MustParsePrefix(tt.ban)]
			if !ok || left.Round(time.Minute) != d {
				t.Errorf("%s, step %d: left %v, %v; want %v", tt.ban, i, left, ok, d)
			}
		}
	}
}

// TestKnownBansAreReplaced: kernels before 6.12 take no new timeout for an
// element they have, so a longer ban has to be deleted and added. This one
// would take it, but tells what it was asked.
func TestKnownBansAreReplaced(t *testing.T) {
	table := testTable(t)
	f := running(t, Options{Table: table})
	heard := listen(t)
	deleted := func(addr string) bool {
		for i, m := range heard() {
			if m.Header.Type == unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_DELSETELEM &&
				bytes.Contains(m.Data, netip.MustParseAddr(addr).AsSlice()) {
				t.Logf("message %d deletes %s", i, addr)
				return true
			}
		}
		return false
	}
	mustBan(t, f, "198.51.100.5/32", time.Hour)
	if deleted("198.51.100.5") {
		t.Error("a new ban was deleted first")
	}
	mustBan(t, f, "198.51.100.5/32", 2*time.Hour)
	if !deleted("198.51.100.5") {
		t.Error("Ban did not replace an element")
	}
	nft(t, "add element inet "+table+" ban4 { 198.51.100.6 timeout 10m }")
	want := []Entry{{netip.MustParsePrefix("198.51.100.6/32"), time.Now().Add(time.Hour)}}
	if err := f.Reconcile(soon(t), want, func(e Entry) { t.Errorf("adopted %v", e) }); err != nil {
		t.Fatal(err)
	}
	if !deleted("198.51.100.6") {
		t.Error("Reconcile did not replace an element")
	}
}

// listen joins the nftables group; the function it returns gives what was
// heard since the last call.
func listen(t *testing.T) func() []netlink.Message {
	t.Helper()
	group, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { group.Close() })
	if err := group.JoinGroup(unix.NFNLGRP_NFTABLES); err != nil {
		t.Fatal(err)
	}
	return func() (all []netlink.Message) {
		if err := group.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for {
			msgs, err := group.Receive()
			if err != nil {
				return all
			}
			all = append(all, msgs...)
		}
	}
}

// TestUnbanOfMissing puts unbans of what is not there between bans.
func TestUnbanOfMissing(t *testing.T) {
	f, err := Open(Options{Table: testTable(t)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 { // before Run, so that they share a transaction
		if !f.Unban(testPrefix4(1000+i)) || !f.Ban(testPrefix4(i), time.Hour) || !f.Unban(netip.MustParsePrefix("192.0.2.0/24")) {
			t.Fatal("the queue is full")
		}
	}
	defer run(t, f)()
	mustUnban(t, f, "198.51.100.5/32")
	holds(t, f.opt.Table, "ban4", 100)
	if s := f.Stats(); s.Errors != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestR16UnbanIsExact lifts the address that was named and no other.
func TestR16UnbanIsExact(t *testing.T) {
	f := running(t, Options{})
	for _, p := range []string{"10.0.0.1/32", "10.0.0.10/32", "10.0.0.100/32", "110.0.0.1/32", "10.0.0.0/24"} {
		mustBan(t, f, p, time.Hour)
	}
	mustUnban(t, f, "10.0.0.1/32")
	for element, want := range map[string]bool{"10.0.0.1": false, "10.0.0.10": true, "10.0.0.100": true, "110.0.0.1": true} {
		if got := nftHas(f.opt.Table, "ban4", element); got != want {
			t.Errorf("%s in ban4: got %v, want %v", element, got, want)
		}
	}
	if !nftHas(f.opt.Table, "net4", "10.0.0.0/24") {
		t.Error("the prefix is gone with an address in it")
	}
	for p, left := range kernelBans(t, f.opt.Table, "ban4") {
		if left <= 0 {
			t.Errorf("%s has no timeout in the kernel", p)
		}
	}
}
