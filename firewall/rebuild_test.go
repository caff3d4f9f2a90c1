package firewall

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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
		if !strings.Contains(reason, "the table is gone") {
			t.Errorf("reason: got %q", reason)
		}
		if arrives(t, peer, pbx, proof) {
			t.Error("a banned address passed after the rebuild")
		}
		if n := count(t, f.opt.Table, "ban4"); n != 201 {
			t.Errorf("ban4 holds %d elements, want 201", n)
		}
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
		{"start of nftables.service", "-f " + conf, "the table is gone"},
		{"table deleted", "delete table inet " + T, "the table is gone"},
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
				if !strings.Contains(reason, tt.reason) || !strings.Contains(reason, `by "nft"`) {
					t.Errorf(`reason: got %q, want %q by "nft"`, reason, tt.reason)
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

// TestBanWhileTableIsGone bans faster than the flush is noticed.
func TestBanWhileTableIsGone(t *testing.T) {
	f := running(t, Options{})
	for i := range 50 {
		if i%5 == 0 {
			nft(t, "flush", "ruleset")
		}
		mustBan(t, f, fmt.Sprintf("198.51.100.%d/32", i), time.Hour)
		if !nftHas(f.opt.Table, "ban4", fmt.Sprintf("198.51.100.%d", i)) {
			t.Fatalf("ban %d is confirmed and not in the kernel", i)
		}
	}
	eventually(t, "all bans", func() bool { return count(t, f.opt.Table, "ban4") == 50 })
}

// TestFlushDuringLoad takes the ruleset away again and again while 50,000 bans
// are loaded and more come in.
func TestFlushDuringLoad(t *testing.T) {
	f := running(t, Options{})
	want := make([]Entry, 50_000)
	for i := range want {
		want[i] = Entry{Prefix: testPrefix4(i)}
	}
	ctx, stop := context.WithCancel(context.Background())
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
				t.Errorf("nft: %v: %s", err, out)
			}
			time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
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
	for range 3 {
		if err := f.Reconcile(soon(t), want, func(e Entry) { t.Errorf("adopted %v", e) }); err != nil {
			t.Logf("under constant flushing: %v", err)
		}
	}
	stop()
	others.Wait()
	took := eventually(t, "everything back", func() bool {
		return f.Stats().Queued == 0 && count(t, f.opt.Table, "ban4") == len(want)+more
	})
	t.Logf("50,000 and %d more in the kernel %v after the last flush; %d rebuilds", more, took, f.Stats().Rebuilds)
}

// testPrefix4 is the i-th of many single IPv4 addresses.
func testPrefix4(i int) netip.Prefix { return prefix4(10<<24 + uint32(i)) }

// testPrefix6 is the i-th of many IPv6 /64 prefixes.
func testPrefix6(i int) netip.Prefix { return prefix6(0x20010db8<<32 + uint64(i)) }
