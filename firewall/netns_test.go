package firewall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/testbed"
)

// inside tells the test binary that it runs in a network namespace of its own;
// its value is empty, or why there is none.
const inside = "PBXGUARD_TEST_NETNS"

// TestMain runs the tests again in a new network namespace, where they may
// flush the ruleset.
func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(inside); ok {
		os.Exit(m.Run())
	}
	how, reason := namespace()
	cmd := exec.Command(how[0], append(how[1:], os.Args...)...)
	if reason != "" {
		cmd = exec.Command(os.Args[0], os.Args[1:]...)
	}
	cmd.Env = append(os.Environ(), inside+"="+reason)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// setup makes the addresses of the documentation prefixes local.
const setup = `ip link set lo up &&
ip route add local 198.51.100.0/24 dev lo &&
ip route add local 203.0.113.0/24 dev lo &&
ip -6 route add local 2001:db8::/32 dev lo &&
echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind &&
nft list ruleset > /dev/null`

// namespace returns the command that enters one, or why there is none.
func namespace() (how []string, reason string) {
	ways := [][]string{{"unshare", "-rn"}}
	if os.Geteuid() == 0 {
		ways = [][]string{{"unshare", "-n"}, {"unshare", "-rn"}}
	}
	for _, way := range ways {
		out, err := exec.Command(way[0], append(way[1:], "sh", "-c", setup)...).CombinedOutput()
		if err == nil {
			return append(way, "sh", "-c", setup+` && exec "$0" "$@"`), ""
		}
		reason = fmt.Sprintf("no network namespace with nftables: %s: %v: %s",
			strings.Join(way, " "), err, bytes.TrimSpace(out))
	}
	return ways[0], reason
}

// needKernel skips a test that cannot run without a namespace.
func needKernel(t testing.TB) {
	t.Helper()
	if reason := os.Getenv(inside); reason != "" {
		testbed.Skip(t, reason)
	}
}

// nft runs the nft command, our independent witness.
func nft(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// flushRuleset may run outside the goroutine of the test.
func flushRuleset(t testing.TB) {
	if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
		t.Errorf("nft flush ruleset: %v: %s", err, out)
	}
}

// nftHas reports whether a set of the table has the element.
func nftHas(table, set, element string) bool {
	return exec.Command("nft", "get", "element", "inet", table, set, "{ "+element+" }").Run() == nil
}

var tables atomic.Int32

// testTable names a table that goes away with the test.
func testTable(t testing.TB) string {
	t.Helper()
	needKernel(t)
	name := fmt.Sprintf("pbxguard_t%d", tables.Add(1))
	t.Cleanup(func() {
		if err := Remove(name); err != nil {
			t.Error(err)
		}
	})
	return name
}

// running opens a firewall and runs it until the test ends.
func running(t testing.TB, opt Options) *Firewall {
	t.Helper()
	if opt.Table == "" {
		opt.Table = testTable(t)
	}
	f, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, f)
	t.Cleanup(stop)
	return f
}

// run runs f; the function it returns stops and closes it, once.
func run(t testing.TB, f *Firewall) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	var stopped atomic.Bool
	return func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func mustBan(t testing.TB, f *Firewall, prefix string, d time.Duration) {
	t.Helper()
	if err := f.BanNow(soon(t), netip.MustParsePrefix(prefix), d); err != nil {
		t.Fatal(err)
	}
}

func mustUnban(t testing.TB, f *Firewall, prefix string) {
	t.Helper()
	if err := f.UnbanNow(soon(t), netip.MustParsePrefix(prefix)); err != nil {
		t.Fatal(err)
	}
}

// soon is a context that outlasts anything that works.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until ok, and returns how long that took.
func eventually(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 10*time.Second {
		if ok() {
			return time.Since(start)
		}
		time.Sleep(200 * time.Microsecond)
	}
	t.Fatalf("%s: not so after 10 s", what)
	return 0
}

// count returns how many different elements a set has, by our own dump; -1 if
// there is no such set. It may be off while the kernel resizes a hash table.
func count(ctx context.Context, table, set string) int {
	seen := make(map[dumped]bool)
	err := dump(ctx, table, set, func(elements []dumped) error {
		for _, e := range elements {
			seen[dumped{key: e.key, end: e.end}] = true
		}
		return nil
	})
	if err != nil && !errors.Is(err, errInterrupted) {
		return -1
	}
	return len(seen)
}

// tester is a testing.TB or a rapid.T.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(string, ...any)
}

// holds checks the size of a set, in some tries.
func holds(t tester, table, set string, want int) {
	t.Helper()
	got := 0
	for range 50 {
		if got = count(t.Context(), table, set); got == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s holds %d elements, want %d", set, got, want)
}
