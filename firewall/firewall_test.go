package firewall

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestCloseKeepsTheBans(t *testing.T) {
	table := testTable(t)
	pbx, proof, peer := udp(t, pbx4), udp(t, good4), udp(t, "198.51.100.5")
	for round := range 3 {
		f, err := Open(Options{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		if round > 0 && arrives(t, peer, pbx, proof) {
			t.Error("opening a live table lifted a ban")
		}
		stop := run(t, f)
		if round == 0 {
			mustBan(t, f, "198.51.100.5/32", time.Hour)
		}
		eventually(t, "active", func() bool { return f.Stats().Active })
		stop()
		if f.Stats().Active {
			t.Error("active after the end of Run")
		}
		if arrives(t, peer, pbx, proof) {
			t.Errorf("round %d: closing lifted a ban", round)
		}
	}
}

// TestLiveTableIsNeverFlushed sends without pause while the table is opened,
// reconciled and closed.
func TestLiveTableIsNeverFlushed(t *testing.T) {
	table := testTable(t)
	pbx := udp(t, pbx4)
	first, err := Open(Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, first)
	mustBan(t, first, "198.51.100.5/32", time.Hour)
	mustBan(t, first, "198.51.100.64/26", time.Hour)
	stop()

	ctx, end := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	for _, from := range []string{"198.51.100.5", "198.51.100.70"} {
		peer := udp(t, from)
		senders.Go(func() {
			for ctx.Err() == nil {
				if _, err := peer.WriteTo([]byte("REGISTER"), pbx.LocalAddr()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		f, err := Open(Options{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, f)
		if err := f.Reconcile(soon(t), nil, func(Entry) {}); err != nil {
			t.Error(err)
		}
		stop()
	}
	end()
	senders.Wait()
	if err := pbx.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, from, err := pbx.ReadFrom(make([]byte, 64)); err == nil {
		t.Errorf("a packet from %v passed", from)
	}
}

func TestRemoveTable(t *testing.T) {
	f := running(t, Options{})
	mustBan(t, f, "198.51.100.5/32", time.Hour)
	if err := f.RemoveTable(soon(t)); err != nil {
		t.Fatal(err)
	}
	gone := func() bool { return exec.Command("nft", "list", "table", "inet", f.opt.Table).Run() != nil }
	if !gone() {
		t.Fatal("the table is still there")
	}
	nft(t, "add", "table", "ip", "other") // makes Run look
	nft(t, "delete", "table", "ip", "other")
	if err := f.BanNow(soon(t), testPrefix4(1), time.Hour); !errors.Is(err, ErrClosed) {
		t.Errorf("ban after the removal: got %v, want ErrClosed", err)
	}
	if err := f.Reconcile(soon(t), []Entry{{Prefix: testPrefix4(2)}}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("reconcile after the removal: got %v, want ErrClosed", err)
	}
	if !gone() {
		t.Error("the table came back")
	}
	if err := f.RemoveTable(soon(t)); err != nil {
		t.Errorf("removing it again: %v", err)
	}
	if err := Remove("pbxguard_never_was"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestFull(t *testing.T) {
	t.Run("by Max", func(t *testing.T) {
		var mu sync.Mutex
		var told []error
		f := running(t, Options{Max: 2, OnError: func(err error) { mu.Lock(); told = append(told, err); mu.Unlock() }})
		mustBan(t, f, "198.51.100.1/32", time.Hour)
		mustBan(t, f, "198.51.100.0/30", 100*time.Millisecond)
		if err := f.BanNow(soon(t), testPrefix4(1), time.Hour); !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		mustBan(t, f, "198.51.100.1/32", 2*time.Hour) // known ones may change
		for i := range 100 {
			f.Ban(testPrefix4(1000+i), time.Hour)
		}
		mustUnban(t, f, "192.0.2.1/32")
		mu.Lock()
		if len(told) != 1 || !errors.Is(told[0], ErrFull) {
			t.Errorf("100 bans too many were reported as %v, want one ErrFull", told)
		}
		mu.Unlock()
		eventually(t, "room after the expiry", func() bool { return f.BanNow(soon(t), testPrefix4(1), time.Hour) == nil })
		holds(t, f.opt.Table, "ban4", 2)
	})
	t.Run("by a set of somebody else", func(t *testing.T) {
		table := testTable(t)
		nft(t, "add table inet "+table+"; add set inet "+table+" ban4 { type ipv4_addr; flags timeout; size 3; }")
		f, err := Open(Options{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			f.Ban(testPrefix4(i), time.Hour)
		}
		defer run(t, f)()
		err = f.BanNow(soon(t), testPrefix4(99), time.Hour)
		if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "the set is full") {
			t.Errorf("got %v, want ErrFull", err)
		}
		// The batch failed as a whole and was tried one by one.
		holds(t, table, "ban4", 3)
		if s := f.Stats(); s.Elements != 3 || s.Errors == 0 {
			t.Errorf("stats: %+v", s)
		}
	})
	t.Run("prefixes", func(t *testing.T) {
		f := running(t, Options{})
		var want []Entry
		for i := range maxNets {
			want = append(want, Entry{Prefix: netip.PrefixFrom(prefix4(10<<24+uint32(i)<<8).Addr(), 24), Until: time.Now().Add(time.Hour + time.Duration(i)*time.Minute)})
		}
		if err := f.Reconcile(soon(t), want, func(Entry) {}); err != nil {
			t.Fatal(err)
		}
		holds(t, f.opt.Table, "net4", 2*maxNets)
		start := time.Now()
		if err := f.BanNow(soon(t), netip.MustParsePrefix("192.0.2.0/24"), time.Hour); !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		mustUnban(t, f, "10.0.5.0/24")
		t.Logf("a change beside %d prefixes takes %v", maxNets, time.Since(start))
		mustBan(t, f, "192.0.2.0/24", time.Hour)
	})
}

func TestQueueNeverBlocks(t *testing.T) {
	f, err := Open(Options{Table: testTable(t)})
	if err != nil {
		t.Fatal(err)
	}
	p := netip.MustParsePrefix("198.51.100.5/32")
	for i := range queueLen {
		if !f.Ban(testPrefix4(i), time.Hour) {
			t.Fatal("refused with room in the queue")
		}
	}
	if f.Ban(p, time.Hour) || f.Unban(p) {
		t.Error("a full queue took more")
	}
	if s := f.Stats(); s.Dropped != 2 || s.Queued != queueLen || s.Active {
		t.Errorf("stats: %+v", s)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := f.BanNow(ctx, p, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("BanNow without Run: got %v", err)
	}
	if err := f.Reconcile(ctx, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Reconcile without Run: got %v", err)
	}
	run(t, f)()
	if f.Ban(p, time.Hour) {
		t.Error("a closed firewall took a ban")
	}
	if err := f.BanNow(soon(t), p, time.Hour); !errors.Is(err, ErrClosed) {
		t.Errorf("BanNow after the end: got %v, want ErrClosed", err)
	}
	holds(t, f.opt.Table, "ban4", queueLen) // what was queued before the end
	if err := f.Run(soon(t)); err == nil {
		t.Error("Run ran twice")
	}
}

func TestOpenWithoutCapability(t *testing.T) {
	table := testTable(t)
	runtime.LockOSThread() // the capabilities are the thread's
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var all, less [2]unix.CapUserData
	if err := unix.Capget(&header, &all[0]); err != nil {
		t.Fatal(err)
	}
	less = all
	less[0].Effective &^= 1 << unix.CAP_NET_ADMIN
	if err := unix.Capset(&header, &less[0]); err != nil {
		t.Fatal(err)
	}
	_, open := Open(Options{Table: table})
	remove := Remove(table)
	if err := unix.Capset(&header, &all[0]); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Open": open, "Remove": remove} {
		if err == nil || !strings.Contains(err.Error(), "CAP_NET_ADMIN") || !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: got %v, want an error that names CAP_NET_ADMIN", name, err)
		}
	}
}

func TestOpenForeignTable(t *testing.T) {
	table := testTable(t)
	nft(t, "add table inet "+table+"; add set inet "+table+" ban4 { type inet_service; }")
	f, err := Open(Options{Table: table})
	if err == nil || !strings.Contains(err.Error(), "nft delete table inet "+table) {
		t.Errorf("got %v, %v; want an error that says what to do", f, err)
	}
}

func TestWatchHearsOthersOnly(t *testing.T) {
	table := testTable(t)
	k, err := openKernel(table)
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	changes := make(chan author, 1)
	ended := make(chan struct{})
	go func() { watch(ctx, k.port, changes, slog.New(slog.DiscardHandler)); close(ended) }()
	if by := <-changes; by != (author{}) {
		t.Errorf("at the start: got %v", by)
	}
	for i := range 100 {
		if err := k.load([]ban{{testPrefix4(i), time.Hour}}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case by := <-changes:
		t.Errorf("heard our own transaction as %v", by)
	case <-time.After(50 * time.Millisecond):
	}
	nft(t, "add", "table", "ip", "other")
	if by := <-changes; by.name != "nft" || by.pid == 0 {
		t.Errorf("got %v, want nft with its pid", by)
	}
	nft(t, "delete", "table", "ip", "other")
	stop()
	<-ended
}

// backend is what a consumer may use of either.
type backend interface {
	Ban(netip.Prefix, time.Duration) bool
	Unban(netip.Prefix) bool
	BanNow(context.Context, netip.Prefix, time.Duration) error
	UnbanNow(context.Context, netip.Prefix) error
	Reconcile(context.Context, []Entry, func(Entry)) error
	Run(context.Context) error
	RemoveTable(context.Context) error
	Close() error
	Stats() Stats
	Settle(context.Context) error
}

var (
	_ backend = (*Firewall)(nil)
	_ backend = (*Dry)(nil)
)

// TestSettle: what was queued before is in the kernel, in its order.
func TestSettle(t *testing.T) {
	f := running(t, Options{Table: testTable(t)})
	for i := range 2 * maxBatch {
		f.Ban(testPrefix4(i), time.Hour)
	}
	f.Unban(testPrefix4(7))
	if err := f.Settle(soon(t)); err != nil {
		t.Fatal(err)
	}
	holds(t, f.opt.Table, "ban4", 2*maxBatch-1)
	if nftHas(f.opt.Table, "ban4", testPrefix4(7).Addr().String()) {
		t.Error("a lifted ban is in the kernel")
	}
}

// TestMethodSets: whatever a Firewall can, a Dry can.
func TestMethodSets(t *testing.T) {
	dry := reflect.TypeFor[*Dry]()
	for m := range reflect.TypeFor[*Firewall]().Methods() {
		d, ok := dry.MethodByName(m.Name)
		if !ok || d.Type.NumIn() != m.Type.NumIn() {
			t.Errorf("Dry lacks %s", m.Name)
		}
	}
	if n := reflect.TypeFor[backend]().NumMethod(); n != reflect.TypeFor[*Firewall]().NumMethod() {
		t.Errorf("a Firewall has methods that backend lacks")
	}
}

// TestNoProcessIsStarted: neither this package nor what it imports can.
func TestNoProcessIsStarted(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/google/nftables") {
		t.Fatalf("go list -deps does not tell the imports: %q", deps)
	}
	if slices.Contains(deps, "os/exec") {
		t.Error("os/exec is among the imports")
	}
}

// TestRunLeavesNothing counts goroutines and file descriptors.
func TestRunLeavesNothing(t *testing.T) {
	table := testTable(t)
	before := goleak.IgnoreCurrent()
	fds := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	start := 0
	for round := range 20 {
		f, err := Open(Options{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, f)
		mustBan(t, f, "198.51.100.5/32", time.Hour)
		if err := f.Reconcile(soon(t), nil, func(Entry) {}); err != nil {
			t.Error(err)
		}
		stop()
		if round == 0 {
			start = fds()
		}
	}
	if n := fds(); n > start {
		t.Errorf("%d file descriptors after 20 rounds, %d after the first", n, start)
	}
	goleak.VerifyNone(t, before)
}
