package firewall

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRebuiltAfterFlush takes the ruleset away 20 times in a row.
func TestRebuiltAfterFlush(t *testing.T) {
	rebuilt := make(chan string, 100)
	f := running(t, Options{OnRebuild: func(reason string) { rebuilt <- reason }})
	pbx, proof, peer := udp(t, pbx4), udp(t, good4), udp(t, "198.51.100.5")
	bans := []string{"198.51.100.5/32", "2001:db8:1:2::/64", "198.51.100.64/26", "2001:db8:2::/48"}
	for _, b := range bans {
		mustBan(t, f, b, time.Hour)
	}
	for i := range 500 {
		mustBan(t, f, fmt.Sprintf("203.0.113.%d/32", i%200), 0)
	}
	eventually(t, "active", func() bool { return f.Stats().Active })

	var all []time.Duration
	for range 20 {
		start := time.Now()
		nft(t, "flush", "ruleset")
		gone := time.Now()
		reason := <-rebuilt
		if took := time.Since(start); took > time.Second {
			t.Errorf("rebuilt after %v, want under 1 s", took)
		}
		all = append(all, time.Since(gone))
		if !strings.Contains(reason, "is gone") {
			t.Errorf("reason: got %q", reason)
		}
		if arrives(t, peer, pbx, proof) {
			t.Error("a banned address passed after the rebuild")
		}
		holds(t, f.opt.Table, "ban4", 201)
		if !nftHas(f.opt.Table, "ban6", "2001:db8:1:2::") || !nftHas(f.opt.Table, "net4", "198.51.100.64/26") ||
			!nftHas(f.opt.Table, "net6", "2001:db8:2::/48") {
			t.Error("an IPv6 or prefix ban is missing after the rebuild")
		}
	}
	slices.Sort(all)
	t.Logf("from the end of nft to the end of the rebuild: median %v, max %v; last rebuild itself %v",
		all[len(all)/2], all[len(all)-1], f.Stats().LastRebuild)
	if got := f.Stats().Rebuilds; got != 20 {
		t.Errorf("%d rebuilds for 20 flushes", got)
	}
}

// TestRebuiltAfterDamage takes away what can be taken away.
func TestRebuiltAfterDamage(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "nftables.conf")
	// What Debian's nftables.service loads at its start.
	err := os.WriteFile(conf, []byte(`flush ruleset
table inet filter {
	chain input { type filter hook input priority filter; policy accept; }
	chain forward { type filter hook forward priority filter; policy accept; }
	chain output { type filter hook output priority filter; policy accept; }
}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	const T = "TABLE"
	tests := []struct{ name, nft, reason string }{
		// The table's end is told element by element, and may be seen before it is over.
		{"start of nftables.service", "-f " + conf, "is gone|lost its elements"},
		{"table deleted", "delete table inet " + T, "is gone|lost its elements"},
		{"table asleep", "add table inet " + T + " { flags dormant; }", "dormant"},
		{"chain flushed", "flush chain inet " + T + " prerouting", "rules of chain prerouting"},
		{"all rules flushed", "flush table inet " + T, "rules of chain"},
		{"chain deleted", "delete chain inet " + T + " prerouting", "chain prerouting is gone"},
		{"accept in front", "insert rule inet " + T + " prerouting accept", "rules of chain prerouting"},
		{"chain by another hook", "delete chain inet " + T + " prerouting; " +
			"add chain inet " + T + " prerouting { type filter hook input priority 0; }", "chain prerouting was replaced"},
		{"set flushed", "flush set inet " + T + " ban4", "set ban4 lost its elements"},
		{"interval set flushed", "flush set inet " + T + " net4", "set net4 lost its elements"},
		{"set deleted", "flush table inet " + T + "; delete set inet " + T + " ban4", "set ban4 is gone"},
		{"set replaced", "flush table inet " + T + "; delete set inet " + T + " ban4; " +
			"add set inet " + T + " ban4 { type ipv6_addr; }", "set ban4 was replaced"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rebuilt := make(chan string, 10)
			f := running(t, Options{OnRebuild: func(reason string) { rebuilt <- reason }})
			pbx, proof := udp(t, pbx4), udp(t, good4)
			single, prefix := udp(t, "198.51.100.5"), udp(t, "198.51.100.70")
			mustBan(t, f, "198.51.100.5/32", time.Hour)
			mustBan(t, f, "198.51.100.64/26", time.Hour)
			eventually(t, "active", func() bool { return f.Stats().Active })

			start := time.Now()
			nft(t, strings.Fields(strings.ReplaceAll(tt.nft, T, f.opt.Table))...)
			select {
			case reason := <-rebuilt:
				if !regexp.MustCompile(tt.reason).MatchString(reason) {
					t.Errorf("reason: got %q, want %q", reason, tt.reason)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("not rebuilt: %+v", f.Stats())
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("rebuilt after %v, want under 1 s", took)
			}
			if arrives(t, single, pbx, proof) || arrives(t, prefix, pbx, proof) {
				t.Errorf("a banned address passed:\n%s", nft(t, "list", "table", "inet", f.opt.Table))
			}
			nft(t, "flush", "ruleset")
			<-rebuilt
		})
	}
}

// TestNoBusyLoop lets other programs change their own tables, which is none of
// our business.
func TestNoBusyLoop(t *testing.T) {
	f := running(t, Options{})
	eventually(t, "active", func() bool { return f.Stats().Active })
	for i := range 50 {
		nft(t, "add", "table", "ip", fmt.Sprintf("other%d", i))
		nft(t, "delete", "table", "ip", fmt.Sprintf("other%d", i))
	}
	mustBan(t, f, "198.51.100.5/32", time.Hour)
	if s := f.Stats(); s.Rebuilds != 0 || s.Errors != 0 || !s.Active {
		t.Errorf("after foreign transactions: %+v", s)
	}
}

// TestBanWhileTableIsGone bans before the flush can have been noticed: in the
// goroutine that would have to.
func TestBanWhileTableIsGone(t *testing.T) {
	f := running(t, Options{})
	mustBan(t, f, "203.0.113.0/24", time.Hour)
	for i := range 30 {
		done := make(chan error, 1)
		ops := []op{
			{prefix: testPrefix4(i), length: time.Hour, done: done},
			{prefix: netip.PrefixFrom(prefix4(11<<24+uint32(i)<<8).Addr(), 24), length: time.Hour, done: done},
			{prefix: netip.MustParsePrefix("192.0.2.1/32"), lift: true, done: done},
		}
		if err := f.do(soon(t), func(o *owner) {
			if err := Remove(f.opt.Table); err != nil {
				t.Error(err)
			}
			o.apply(ops[i%3])
		}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatalf("op %d: %v", i, err)
		}
	}
	holds(t, f.opt.Table, "ban4", 10)
	if n := len(kernelBans(t, f.opt.Table, "net4")); n != 11 {
		t.Errorf("net4 holds %d, want 11", n)
	}
	if s := f.Stats(); s.Rebuilds < 30 || s.Errors != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestElementExpiresInTransaction: the kernel said no such element though the
// table is whole.
func TestElementExpiresInTransaction(t *testing.T) {
	f := running(t, Options{})
	done := make(chan error, 1)
	for i := range 3 {
		err := f.do(soon(t), func(o *owner) {
			o.waiting = []op{{prefix: testPrefix4(i), length: time.Hour, done: done}}
			o.recover()
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	holds(t, f.opt.Table, "ban4", 3)
	if n := f.Stats().Rebuilds; n != 0 {
		t.Errorf("%d rebuilds, want none", n)
	}
}

// TestFlushDuringLoad takes the ruleset away again and again while 5,000 bans
// are loaded and more come in.
func TestFlushDuringLoad(t *testing.T) {
	f := running(t, Options{})
	want := make([]Entry, 5_000)
	for i := range want {
		want[i] = Entry{Prefix: testPrefix4(i)}
	}
	ctx, stop := context.WithCancel(context.Background())
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			flushRuleset(t)
			time.Sleep(time.Duration(50+rand.IntN(100)) * time.Millisecond)
		}
	})
	more := 0
	others.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if f.Ban(testPrefix4(100_000+i), time.Hour) {
				more++
			}
			time.Sleep(time.Millisecond)
		}
	})
	for range 5 {
		if err := f.Reconcile(soon(t), want, func(e Entry) { t.Errorf("adopted %v", e) }); err != nil {
			t.Logf("under constant flushing: %v", err)
		}
	}
	stop()
	others.Wait()
	took := eventually(t, "everything back", func() bool {
		return f.Stats().Queued == 0 && count(t.Context(), f.opt.Table, "ban4") == len(want)+more
	})
	t.Logf("5,000 and %d more in the kernel %v after the last flush; %d rebuilds", more, took, f.Stats().Rebuilds)
}

// testPrefix4 is the i-th of many single IPv4 addresses.
func testPrefix4(i int) netip.Prefix { return prefix4(10<<24 + uint32(i)) }

// testPrefix6 is the i-th of many IPv6 /64 prefixes.
func testPrefix6(i int) netip.Prefix { return prefix6(0x20010db8<<32 + uint64(i)) }

// TestRefusedBansComeLater: while another program owns the table nobody is kept
// out; whoever was banned meanwhile is as soon as that program lets go.
func TestRefusedBansComeLater(t *testing.T) {
	f := running(t, Options{})
	mustBan(t, f, "198.51.100.1/32", time.Hour)
	eventually(t, "the first look", func() bool { return f.Stats().Active })
	owner := exec.Command("nft", "-i")
	in, err := owner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	letGo := sync.OnceFunc(func() { in.Close(); owner.Wait() })
	t.Cleanup(letGo)
	// In one transaction, or the table would be rebuilt in between.
	fmt.Fprintf(in, "delete table inet %[1]s; add table inet %[1]s { flags owner; }\n", f.opt.Table)
	eventually(t, "the loss to be seen", func() bool { return !f.Stats().Active })
	for i := range 300 {
		if !f.Ban(testPrefix4(i), time.Hour) {
			t.Fatal("a ban is not taken")
		}
	}
	if !f.Ban(netip.MustParsePrefix("203.0.113.0/26"), 0) {
		t.Fatal("a ban is not taken")
	}
	if err := f.Settle(soon(t)); !errors.Is(err, unix.EPERM) {
		t.Errorf("settled: got %v, want that the kernel refuses", err)
	}
	letGo()
	eventually(t, "all bans to be in force", func() bool { return f.Stats().Active })
	if err := f.Settle(soon(t)); err != nil {
		t.Error(err)
	}
	holds(t, f.opt.Table, "ban4", 301)
	holds(t, f.opt.Table, "net4", 2) // its first address, and the one behind its last
}
