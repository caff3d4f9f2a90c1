package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/store"
)

// TestKill9 kills the daemon at random moments under load. What anybody has
// been shown by then outlives it: bans, by the daemon or in the kernel, locks
// and decisions; and what an administrator has lifted stays lifted.
func TestKill9(t *testing.T) {
	kills := crashes(t, "PBXGUARD_KILLS", 10, 50, 1000)
	seed := crashSeed(t)
	freshWall(t)
	board := newSwitchboard(t)
	d := newDaemon(t, board.asterisk(t), settings{
		Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"30m\"]\nlearn = \"0s\"\nbudget = 100000",
	})
	k := &killed{
		t: t, chance: rand.New(rand.NewPCG(seed, 1)), d: d, board: board, client: control.NewClient(filepath.Join(d.dir, "control.sock")),
		shown: map[netip.Prefix]guard.Ban{}, lifted: map[netip.Prefix]bool{},
		verdicts: map[uint64]guard.Decision{},
	}
	begin := time.Now()
	for n := range kills {
		k.live()
		k.die(n%4 == 3)
		if t.Failed() {
			t.Fatalf("after kill %d", n+1)
		}
	}
	d.Start()
	k.returned(t.Context())
	d.Stop()
	k.reckon()
	t.Logf("%d kills in %v; %d bans and %d decisions were shown, %d bans lifted", kills,
		time.Since(begin).Round(time.Second), len(k.shown), len(k.verdicts), len(k.lifted))
	byRule := map[string]int{}
	for _, v := range k.verdicts {
		byRule[v.Rule+" "+v.Outcome]++
	}
	calls, wronged := board.outcome()
	t.Logf("%d reloads, %d calls placed", k.reloads, calls)
	if len(wronged) > 0 {
		t.Errorf("the honest calls %v were ended", wronged)
	}
	t.Logf("decisions by rule and outcome: %v", byRule)
	t.Logf("from exec to the first answer: %v", &k.startups)
	if len(k.shown) < 5*kills || len(k.verdicts) < 5*kills {
		t.Error("that is too little to show anything")
	}
}

// killed is what was seen of a daemon that is killed again and again.
type killed struct {
	t        *testing.T
	chance   *rand.Rand // says when
	d        *daemon
	board    *switchboard
	client   *control.Client
	startups times

	shown    map[netip.Prefix]guard.Ban // by "bans --json"
	kernel   map[netip.Prefix]bool      // by nft, after the latest death
	lifted   map[netip.Prefix]bool      // by hand, and acknowledged
	verdicts map[uint64]guard.Decision
	latest   uint64 // of verdicts
	byHand   int
	reloads  int
	behind   time.Time // when to kill, once the burst has begun
}

// within is some time up to a limit.
func (k *killed) within(limit time.Duration) time.Duration {
	return time.Duration(k.chance.Int64N(int64(limit)))
}

// sameCalls waits until the daemon has found the calls that the PBX has, and has
// ended those that it must.
func (k *killed) sameCalls(ctx context.Context) {
	k.t.Helper()
	k.board.calm(true)
	defer k.board.calm(false)
	var got, want []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		calls, err := k.client.Calls(ctx)
		if err != nil {
			k.t.Fatal(err)
		}
		got, want = nil, k.board.callers()
		for _, c := range calls {
			got = append(got, string(c.Call)) // named after the leg of who calls
		}
		if slices.Sort(got); slices.Equal(got, want) {
			return
		}
	}
	k.t.Errorf("the daemon sees the calls %v, the PBX has %v", got, want)
}

// live starts the daemon, sees that nothing is lost, and watches it until it
// is killed at some moment. One in four does not get as far.
func (k *killed) live() {
	k.t.Helper()
	begin := time.Now()
	k.d.launch()
	if k.chance.IntN(4) == 0 {
		time.Sleep(k.within(100 * time.Millisecond))
		k.d.Kill9()
		k.board.drop()
		begin = time.Now()
		k.d.launch()
	}
	ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		if _, err := k.client.Calls(ctx); err == nil {
			break
		} else if ctx.Err() != nil {
			k.t.Fatalf("the daemon does not come back: %v", err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	k.startups.add(time.Since(begin))
	k.returned(ctx)
	k.sameCalls(ctx)
	moment := time.Now().Add(k.within(400 * time.Millisecond))
	if k.chance.IntN(2) == 0 {
		k.behind = moment.Add(k.within(10 * time.Millisecond))
		defer time.AfterFunc(time.Until(moment), k.kill).Stop()
		moment = moment.Add(time.Hour)
	}
	for k.look(ctx, moment) {
	}
}

// returned waits until the bans that must stand do so, in the daemon's word and
// in the kernel, and looks for what must not.
func (k *killed) returned(ctx context.Context) {
	k.t.Helper()
	lost := []error{errors.New("never looked")}
	for deadline := time.Now().Add(30 * time.Second); len(lost) > 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		lost = k.lost(ctx)
	}
	for _, err := range lost[:min(len(lost), 10)] {
		k.t.Error(err)
	}
	ds, err := k.client.Decisions(ctx, control.Query{Limit: 1_000_000, After: k.latest - min(k.latest, 500)})
	if err != nil {
		k.t.Fatal(err)
	}
	k.compare(ds, k.latest-min(k.latest, 500))
}

func (k *killed) lost(ctx context.Context) (lost []error) {
	bans, err := k.client.Bans(ctx)
	if err != nil {
		return []error{err}
	}
	told := map[netip.Prefix]guard.Ban{}
	for _, b := range bans {
		told[b.Prefix] = b
		if k.lifted[b.Prefix] {
			lost = append(lost, fmt.Errorf("%s was let back in and is banned again: %s", b.Prefix, b.Reason))
		}
	}
	inKernel := addresses(k.t)
	for p, was := range k.shown {
		if time.Until(was.Until) < 10*time.Second {
			delete(k.shown, p) // it ends by itself
			continue
		}
		is, ok := told[p]
		_, held := inKernel[p]
		if !ok || !held || is.Reason != was.Reason || !is.Enforced || is.Until.Sub(was.Until).Abs() > 5*time.Second {
			lost = append(lost, fmt.Errorf("ban of %s: %v, in the kernel %v; was %v", p, is, held, was))
		}
	}
	for p, lasts := range k.kernel {
		_, held := inKernel[p]
		if _, ok := told[p]; lasts && (!ok || !held) {
			lost = append(lost, fmt.Errorf("the ban of %s that only the kernel knew: told %v, in the kernel %v", p, ok, held))
		}
	}
	for p := range inKernel {
		if k.lifted[p] {
			lost = append(lost, fmt.Errorf("%s was let back in and is in the kernel", p))
		}
	}
	return lost
}

// kill kills the daemon while it is busy with many bans: in the kernel first,
// and on the disk some milliseconds later.
func (k *killed) kill() {
	k.board.burst()
	time.Sleep(time.Until(k.behind))
	k.d.cmd.Process.Kill()
}

// look asks the daemon for everything and does something by hand. Once it is
// time it kills the daemon right behind its answer. It is false when there is no
// daemon any longer.
func (k *killed) look(ctx context.Context, until time.Time) bool {
	k.t.Helper()
	late := time.Now().After(until)
	if late {
		k.board.burst()
	}
	for _, i := range k.chance.Perm(3) {
		var err error
		switch i {
		case 0:
			err = k.lookBans(ctx)
		case 1:
			err = k.lookDecisions(ctx)
		case 2:
			err = k.act(ctx)
		}
		if late {
			k.d.cmd.Process.Kill()
			<-k.d.exited
		}
		if refused := new(control.Error); errors.As(err, &refused) {
			k.t.Errorf("the daemon refuses: %v", err)
		}
		select {
		case <-k.d.exited:
			return false
		default:
		}
	}
	return true
}

func (k *killed) lookBans(ctx context.Context) error {
	bans, err := k.client.Bans(ctx)
	for _, b := range bans {
		if !k.lifted[b.Prefix] {
			k.shown[b.Prefix] = b
		}
	}
	return err
}

func (k *killed) lookDecisions(ctx context.Context) error {
	after := k.latest - min(k.latest, 100) // outcomes come later
	ds, err := k.client.Decisions(ctx, control.Query{After: after, Limit: 1_000_000})
	for _, v := range ds {
		k.verdicts[v.ID] = v
		k.latest = max(k.latest, v.ID)
	}
	return err
}

// act bans somebody by hand, or lifts what was banned so before.
func (k *killed) act(ctx context.Context) error {
	k.byHand++
	if k.byHand%7 == 0 {
		k.reload()
	}
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(16 + k.byHand>>15), byte(k.byHand >> 7), byte(k.byHand << 1)}), 32)
	order := control.BanOrder{Prefix: p, For: time.Hour, Reason: fmt.Sprint("order ", k.byHand)}
	if err := k.client.Ban(ctx, order); err != nil {
		return err // whether it was done nobody has said
	}
	if k.byHand%2 == 0 {
		k.shown[p] = guard.Ban{Prefix: p, Until: time.Now().Add(order.For), Reason: order.Reason, Enforced: true}
		return nil
	}
	err := k.client.Unban(ctx, p)
	if err == nil {
		k.lifted[p] = true
	}
	delete(k.shown, p)
	return err
}

// reload has the daemon read another configuration, and goes on at once.
func (k *killed) reload() {
	text, err := os.ReadFile(k.d.path())
	if err != nil {
		k.t.Error(err)
		return
	}
	old, other := "budget = 100000", "budget = 90000"
	if strings.Contains(string(text), other) {
		old, other = other, old
	}
	put(k.t, k.d.path()+".new", strings.Replace(string(text), old, other, 1))
	if err := os.Rename(k.d.path()+".new", k.d.path()); err != nil {
		k.t.Error(err)
	}
	k.d.cmd.Process.Signal(syscall.SIGHUP) // it may be dead already
	k.reloads++
}

// die sees what the dead daemon has left behind. After a power failure that
// is its file alone.
func (k *killed) die(powerFailure bool) {
	k.t.Helper()
	<-k.d.exited
	k.board.drop()
	k.kernel = map[netip.Prefix]bool{}
	if powerFailure {
		nft(k.t, "flush ruleset")
	} else {
		for p, left := range addresses(k.t) {
			k.kernel[p] = left == 0 || left > time.Minute // else it may end by itself
		}
	}
	k.sound()
}

// sound checks a copy of the file, for the daemon to find it as it left it.
func (k *killed) sound() {
	k.t.Helper()
	dir := k.t.TempDir()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "copy.db")
	for _, part := range []string{"", "-wal"} {
		data, err := os.ReadFile(k.d.state() + part)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			k.t.Fatal(err)
		}
		put(k.t, path+part, string(data))
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		k.t.Fatal(err)
	}
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		k.t.Errorf("integrity of the file: %q, %v", verdict, err)
	}
	if err := db.Close(); err != nil {
		k.t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	defer s.Close()
	if report, err := s.Verify(k.t.Context()); err != nil || !report.OK {
		k.t.Errorf("chain of the decisions: %+v, %v", report, err)
	}
}

// reckon looks for every decision that was ever shown.
func (k *killed) reckon() {
	k.t.Helper()
	s, err := store.Open(k.d.state(), store.Options{ReadOnly: true})
	if err != nil {
		k.t.Fatal(err)
	}
	defer s.Close()
	ds, err := s.Decisions(k.t.Context(), store.Query{Limit: 10_000_000})
	if err != nil {
		k.t.Fatal(err)
	}
	k.compare(ds, 0)
}

// compare sees that the decisions shown so far with an id beyond after are
// among ds, as they were shown, and none twice.
func (k *killed) compare(ds []guard.Decision, after uint64) {
	k.t.Helper()
	have := map[uint64]guard.Decision{}
	for _, v := range ds {
		if _, twice := have[v.ID]; twice {
			k.t.Errorf("two decisions have the id %d", v.ID)
		}
		have[v.ID] = v
	}
	for _, id := range slices.Sorted(maps.Keys(k.verdicts)) {
		was, is := k.verdicts[id], have[id]
		if was.Outcome == "" {
			was.Outcome, was.After = is.Outcome, is.After
		}
		if id > after && (is.Reason != was.Reason || is.Outcome != was.Outcome || is.Source != was.Source || is.Leg != was.Leg || !is.At.Equal(was.At)) {
			k.t.Errorf("decision %d: got %+v, was %+v", id, is, was)
		}
	}
}
