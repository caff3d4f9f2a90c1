package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// trouble is one way in which a host fails a guard that is at work. hurt begins
// it, mend ends it.
type trouble struct {
	name       string
	disk       func(t *testing.T, dir string) disk // nil: the state lies where it usually does
	hurt, mend func(*trial)
	problem    string        // what status must name meanwhile
	lasts      time.Duration // how long it goes on; zero: hurt takes its time
	full       time.Duration // by "make crash"
}

var troubles = []trouble{
	{name: "full disk", disk: smallDisk, problem: "store", lasts: 2 * time.Second, full: time.Minute,
		hurt: func(r *trial) { r.disk.hurt(r.t) }, mend: func(r *trial) { r.disk.mend(r.t) }},
	{name: "read-only disk", disk: lockedDisk, problem: "store", lasts: 2 * time.Second, full: time.Minute,
		hurt: func(r *trial) { r.d.Kill9(); r.disk.hurt(r.t); r.d.Start() }, mend: func(r *trial) { r.disk.mend(r.t) }},
	{name: "I/O errors", disk: brokenDisk, problem: "store", lasts: 2 * time.Second, full: time.Minute,
		hurt: func(r *trial) { r.disk.hurt(r.t) }, mend: func(r *trial) { r.disk.mend(r.t) }},
	{name: "damaged file", hurt: (*trial).damage},
	{name: "guard stopped", hurt: func(r *trial) { r.stopped(long(3*time.Second, time.Minute)) }},
	{name: "clock steps", hurt: (*trial).steps},
	{name: "table of somebody else", problem: "firewall", lasts: 2 * time.Second, full: time.Minute,
		hurt: (*trial).takeTable, mend: func(r *trial) { r.giveBack() }},
	{name: "ruleset flushed again and again", hurt: (*trial).flushes},
	{name: "PBX restarts again and again", hurt: (*trial).restarts},
	{name: "PBX accepts and says nothing", problem: "pbx asterisk", lasts: time.Second, full: time.Minute,
		hurt: func(r *trial) { r.board.become(silent) }, mend: func(r *trial) { r.board.become(served) }},
	{name: "half a header, then nothing", problem: "pbx asterisk", lasts: time.Second, full: time.Minute,
		hurt: func(r *trial) { r.board.become(halved) }, mend: func(r *trial) { r.board.become(served) }},
	{name: "PBX closes every connection", problem: "pbx asterisk", lasts: time.Second, full: time.Minute,
		hurt: func(r *trial) { r.board.become(closed) }, mend: func(r *trial) { r.board.become(served) }},
}

// TestTroubles has the host fail the guard in every way that is known, under an
// attack that goes on. Afterwards no ban and no decision is lost that anybody
// was shown, the guard sees the calls that the PBX has, holds no more files,
// connections and goroutines than before, and has said what was wrong.
func TestTroubles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	idle := 0
	for _, tr := range troubles {
		t.Run(tr.name, func(t *testing.T) {
			r := newTrial(t, tr)
			if idle == 0 {
				idle = r.d.goroutines()
				r.d.Start()
			}
			r.run(tr, idle)
		})
	}
}

// trial is a daemon in trouble, and all that it was seen to know before.
type trial struct {
	*killed
	disk     disk
	giveBack func()
}

// disk is what the state lies on.
type disk struct{ hurt, mend func(testing.TB) }

func newTrial(t *testing.T, tr trouble) *trial {
	t.Helper()
	freshWall(t)
	board := newSwitchboard(t)
	s := settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"30m\"]\nlearn = \"0s\"\nbudget = 100000"}
	r := &trial{giveBack: func() {}}
	if tr.disk != nil {
		s.State = t.TempDir()
		r.disk = tr.disk(t, s.State)
	}
	d := newDaemon(t, board.asterisk(t), s)
	r.killed = &killed{
		t: t, d: d, board: board, client: control.NewClient(filepath.Join(d.dir, "control.sock")),
		shown: map[netip.Prefix]guard.Ban{}, lifted: map[netip.Prefix]bool{}, verdicts: map[uint64]guard.Decision{},
	}
	d.Start()
	d.WaitConnected()
	return r
}

func (r *trial) run(tr trouble, idle int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Minute)
	defer cancel()
	r.d.WaitConnected()
	r.board.burst()
	r.d.await("the guard is at work", 60*time.Second, func() bool { r.see(ctx); return len(r.shown) > 10 && len(r.verdicts) > 10 })
	r.byOrder(ctx, 1)
	if problems := r.problems(); len(problems) > 0 {
		r.t.Errorf("before: status names the problems %v", problems)
	}
	files := r.d.descriptors()

	tr.hurt(r)
	if tr.problem != "" {
		r.d.await("status names the problem", 2*time.Minute, func() bool { return strings.Contains(fmt.Sprint(r.problems()), tr.problem) })
		if out, code, err := r.d.try("status"); err != nil || code != 3 || !strings.Contains(out, tr.problem) {
			r.t.Errorf("status: got exit code %d, %v and\n%s\nwant 3 and %q in it", code, err, out, tr.problem)
		}
		r.t.Logf("status: %v", r.problems())
		r.byOrder(ctx, 2)
		r.see(ctx)
		time.Sleep(long(tr.lasts, tr.full))
	}
	if tr.mend != nil {
		tr.mend(r)
	}
	began := time.Now()
	r.d.WaitConnected()
	r.d.await("status names no problem", 2*time.Minute, func() bool { return len(r.problems()) == 0 })
	r.t.Logf("healed after %v", time.Since(began).Round(10*time.Millisecond))
	r.byOrder(ctx, 3)
	r.returned(ctx)
	r.sameCalls(ctx)
	r.d.await(fmt.Sprintf("no more than the %d files and connections from before", files), 30*time.Second, func() bool {
		return r.d.descriptors() <= files+spareFiles
	})
	if n := r.d.goroutines(); n > idle+spareGoroutines {
		r.t.Errorf("%d goroutines are left, %d were there before; the log ends:\n%s", n, idle, tail(r.d.log.text(), 20_000))
	}
	r.d.Start()
	r.returned(ctx)
	r.d.Stop()
	r.sound()
	r.reckon()
	if _, wronged := r.board.outcome(); len(wronged) > 0 {
		r.t.Errorf("the honest calls %v were ended", wronged)
	}
}

// What comes and goes at any time: readers of the database, a command's
// connection, a timer.
const (
	spareFiles      = 8
	spareGoroutines = 8
)

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// see notes what the daemon says that it has done.
func (r *trial) see(ctx context.Context) {
	r.t.Helper()
	if err := errors.Join(r.lookBans(ctx), r.lookDecisions(ctx)); err != nil {
		r.t.Error(err)
	}
}

// byOrder bans an address; once that is done it must stay so.
func (r *trial) byOrder(ctx context.Context, n byte) {
	r.t.Helper()
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, n}), 32)
	order := control.BanOrder{Prefix: p, For: time.Hour, Reason: fmt.Sprint("order ", n)}
	if err := r.client.Ban(ctx, order); err != nil {
		r.t.Logf("the ban by order %d is refused: %v", n, err)
		return
	}
	r.shown[p] = guard.Ban{Prefix: p, Until: time.Now().Add(order.For), Reason: order.Reason, Enforced: true}
}

// problems are those that status names. That events were lost to a trouble that
// is over is told for as long as the daemon lives.
func (r *trial) problems() (names []string) {
	r.t.Helper()
	for _, c := range r.d.Status().Problems {
		if c.Result == control.Failed {
			names = append(names, c.Name+": "+c.Detail)
		}
	}
	return names
}

// damage overwrites a page of the file that holds nothing of which there is no
// other copy, while the daemon does not run.
func (r *trial) damage() {
	r.d.Stop()
	db, err := sql.Open("sqlite3", "file:"+r.d.state())
	if err != nil {
		r.t.Fatal(err)
	}
	var root, size int64
	if err := db.QueryRow(`SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'decisions_at'`).Scan(&root, &size); err != nil {
		r.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		r.t.Fatal(err)
	}
	f, err := os.OpenFile(r.d.state(), os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = f.WriteAt(make([]byte, size), (root-1)*size)
	if err := errors.Join(err, f.Close()); err != nil {
		r.t.Fatal(err)
	}
	r.d.Start()
	r.d.await("the damaged file is set aside", 20*time.Second, func() bool { return len(r.d.Status().Store.Aside) == 1 })
	if out := r.d.CLI("status"); !strings.Contains(out, "the file was damaged") {
		r.t.Errorf("status does not tell of the damage:\n%s", out)
	}
}

// stopped has the daemon not run for a while, as on a host that swaps.
func (r *trial) stopped(d time.Duration) {
	r.d.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	r.d.Signal(syscall.SIGCONT)
}

// steps sets the clock back and forth. Nobody is let in and no call ends for it.
func (r *trial) steps() {
	ctx := r.t.Context()
	for _, by := range []time.Duration{3 * time.Hour, -3 * time.Hour, 40 * 24 * time.Hour, -40 * 24 * time.Hour, 30 * time.Second, 0} {
		r.d.stepClock(by)
		time.Sleep(long(time.Second, 10*time.Second))
		held := wall(r.t)
		bans, err := r.client.Bans(ctx)
		if err != nil {
			r.t.Fatal(err)
		}
		told := map[netip.Prefix]bool{}
		for _, b := range bans {
			told[b.Prefix] = true
		}
		for p := range r.shown {
			if _, ok := held[p]; !ok || !told[p] {
				r.t.Fatalf("%v later: the ban of %s is lost: told %v, in the kernel %v", by, p, told[p], ok)
			}
		}
		r.sameCalls(ctx)
	}
}

// takeTable takes the guard's table away and makes one of that name which the
// kernel lets nobody else change.
func (r *trial) takeTable() {
	cmd := exec.Command("nft", "-i")
	in, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	// In one transaction, or the guard would have its table back in between.
	if _, err := io.WriteString(in, "delete table inet pbxguard; add table inet pbxguard { flags owner; }\n"); err != nil {
		r.t.Fatal(err)
	}
	r.giveBack = func() { in.Close(); cmd.Wait(); r.giveBack = func() {} }
	r.t.Cleanup(func() { r.giveBack() })
}

func (r *trial) flushes() {
	for begin := time.Now(); time.Since(begin) < long(4*time.Second, time.Minute); time.Sleep(time.Second) {
		nft(r.t, "flush ruleset")
	}
}

func (r *trial) restarts() {
	for begin := time.Now(); time.Since(begin) < long(4*time.Second, 10*time.Minute); time.Sleep(long(time.Second, 10*time.Second)) {
		r.board.restart()
	}
}

// smallDisk is a disk that can be filled.
func smallDisk(t *testing.T, dir string) disk {
	t.Helper()
	mountState(t, "tmpfs", dir, "tmpfs", 0, "size=64m,mode=700")
	filler := filepath.Join(dir, "filler")
	return disk{
		hurt: func(t testing.TB) { fill(t, filler) },
		mend: func(t testing.TB) {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		},
	}
}

// lockedDisk is a disk that can be made read-only while nobody writes to it.
func lockedDisk(t *testing.T, dir string) disk {
	t.Helper()
	mountState(t, "tmpfs", dir, "tmpfs", 0, "size=64m,mode=700")
	set := func(flags uintptr) func(testing.TB) {
		return func(t testing.TB) {
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return disk{hurt: set(syscall.MS_RDONLY), mend: set(0)}
}

// brokenDisk is a disk whose medium fails to take what is written: a loop device
// over a file that cannot grow any more, for which the kernel reports what it
// does for a broken disk.
func brokenDisk(t *testing.T, dir string) disk {
	t.Helper()
	below := t.TempDir()
	mountState(t, "tmpfs", below, "tmpfs", 0, "size=64m")
	image, filler := filepath.Join(below, "image"), filepath.Join(below, "filler")
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			testbed.Skip(t, fmt.Sprintf("cannot make a disk that breaks: %s: %v: %s", name, err, out))
		}
		return strings.TrimSpace(string(out))
	}
	put(t, image, "")
	if err := os.Truncate(image, 128<<20); err != nil {
		t.Fatal(err)
	}
	run("mke2fs", "-q", "-t", "ext2", "-E", "nodiscard", image)
	device := run("losetup", "--find", "--show", image)
	t.Cleanup(func() { exec.Command("losetup", "--detach", device).Run() })
	mountState(t, device, dir, "ext2", 0, "errors=continue")
	return disk{
		hurt: func(t testing.TB) { fill(t, filler) },
		mend: func(t testing.TB) {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		},
	}
}

// mountState mounts something until the test ends.
func mountState(t *testing.T, source, dir, kind string, flags uintptr, data string) {
	t.Helper()
	testbed.Namespace(t)
	if err := syscall.Mount(source, dir, kind, flags, data); err != nil {
		t.Fatalf("cannot mount %s: %v", kind, err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// fill writes to a file until its disk is full.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
