package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestDisk runs its parts on a small disk of their own: a tmpfs in a mount
// namespace, for which this test binary starts itself once more.
func TestDisk(t *testing.T) {
	if os.Getenv(child) != "disk" {
		runOnSmallDisk(t)
		return
	}
	for name, test := range map[string]func(t *testing.T, dir string){
		"fills up":            fillsUp,
		"full at start":       fullAtStart,
		"full after a crash":  fullAfterCrash,
		"read-only":           readOnlyAtStart,
		"read-only and empty": readOnlyAndEmpty,
		"looking at evidence": lookingAtEvidence,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=700"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			test(t, dir)
		})
	}
}

func runOnSmallDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestDisk$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=disk")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "operation not permitted") {
		testbed.Skip(t, fmt.Sprintf("a disk of one's own needs root or user namespaces: %v %s", err, out))
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// fillDisk leaves no room; what it returns makes room again.
func fillDisk(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(err)
	}
}

// manyBans is that many bans of different addresses.
func manyBans(first, n int) (bans []guard.Record) {
	for i := range n {
		b := ban("203.0.113.1/32", noon, 0)
		b.Prefix, _ = address(first + i).Prefix(32)
		b.Rule = "rule for " + b.Prefix.String()
		bans = append(bans, b)
	}
	return bans
}

func (t *told) checkState(tb testing.TB, s *Store, degraded bool) {
	tb.Helper()
	if st := s.Stats(); st.Degraded != degraded {
		tb.Fatalf("state: got %+v, want degraded %v", st, degraded)
	}
	want := []string{"cannot write the store"}
	if !degraded {
		want = append(want, "<nil>")
	}
	t.check(tb, "so far", want...)
}

// whole checks that the chain has so many rows and memory so many bans.
func whole(t *testing.T, s *Store, decisions uint64, bans int) {
	t.Helper()
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != decisions {
		t.Errorf("chain: got %+v, %v, want %d rows that hold", r, err, decisions)
	}
	m, err := s.Memory(noon)
	for _, b := range m.Bans {
		if want := "rule for " + b.Prefix.String(); b.Rule != want {
			t.Fatalf("rule of the ban of %s: got %q, want %q", b.Prefix, b.Rule, want)
		}
	}
	if err != nil || len(m.Bans) != bans || m.NextID != decisions+1 {
		t.Errorf("memory: got %d bans, next id %d, %v; want %d and %d", len(m.Bans), m.NextID, err, bans, decisions+1)
	}
}

func fillsUp(t *testing.T, dir string) {
	var told told
	s := run(t, filepath.Join(dir, "state.db"), Options{OnError: told.note})
	record(t, s, append(manyBans(0, 100), decision(1))...)
	empty := fillDisk(t, dir)
	for _, r := range append(manyBans(100, 5000), decision(2)) {
		s.Record(r)
	}
	s.Record(call(noon))
	if err := s.Commit(t.Context()); err == nil {
		t.Fatal("5000 bans were committed to a full disk")
	}
	told.checkState(t, s, true)
	if st := s.Stats(); st.Kept == 0 || st.Lost != 1 {
		t.Errorf("got %d kept and %d lost, want some and the call", st.Kept, st.Lost)
	}
	if m, err := s.Memory(noon); err != nil || len(m.Bans) < 100 {
		t.Errorf("memory on a full disk: got %d bans, %v, want 100 or more", len(m.Bans), err)
	}
	empty()
	record(t, s)
	told.checkState(t, s, false)
	whole(t, s, 2, 5100)
}

// filled returns a path with 100 bans and two decisions in it.
func filled(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	record(t, s, append(manyBans(0, 100), decision(1), decision(2))...)
	stop(t)
	return path
}

func fullAtStart(t *testing.T, dir string) {
	path := filled(t, dir)
	empty := fillDisk(t, dir)
	var told told
	s := run(t, path, Options{OnError: told.note})
	told.checkState(t, s, true)
	whole(t, s, 2, 100)
	s.Record(manyBans(100, 1)[0])
	s.Record(decision(3))
	if err := s.Commit(t.Context()); err == nil {
		t.Error("committed to a full disk")
	}
	empty()
	record(t, s)
	told.checkState(t, s, false)
	whole(t, s, 3, 101)
}

// crash leaves a file as a process leaves it that dies: with its log.
func crash(t *testing.T, path string) string {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer start(t, s)(t)
	record(t, s, append(manyBans(100, 100), decision(3))...)
	crashed := path + ".crashed"
	copyFile(t, path, crashed, "", "-wal", "-shm")
	return crashed
}

func copyFile(t *testing.T, from, to string, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		b, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func fullAfterCrash(t *testing.T, dir string) {
	path := crash(t, filled(t, dir))
	empty := fillDisk(t, dir)
	s := run(t, path, Options{})
	whole(t, s, 3, 200)
	empty()
	record(t, s, decision(4))
	whole(t, s, 4, 200)
}

func readOnlyAtStart(t *testing.T, dir string) {
	path := filled(t, dir)
	remount(t, dir, syscall.MS_RDONLY)
	var told told
	s := run(t, path, Options{OnError: told.note})
	told.checkState(t, s, true)
	whole(t, s, 2, 100)
	s.Record(decision(3))
	wantError(t, s.Commit(t.Context()), "read-only file system")
	remount(t, dir, 0)
	record(t, s)
	told.checkState(t, s, false)
	whole(t, s, 3, 100)
}

// A guard that knows nothing can still work, and numbers its decisions so that
// they never meet others.
func readOnlyAndEmpty(t *testing.T, dir string) {
	remount(t, dir, syscall.MS_RDONLY)
	var told told
	s := run(t, filepath.Join(dir, "state.db"), Options{OnError: told.note})
	told.checkState(t, s, true)
	now := time.Now()
	m, err := s.Memory(now)
	if err == nil || m.NextID != uint64(now.UnixMilli()) {
		t.Errorf("memory: got next id %d, %v; want an error and an id of the clock", m.NextID, err)
	}
	s.Record(decision(m.NextID))
	remount(t, dir, 0)
	record(t, s)
	told.checkState(t, s, false)
	if again, err := s.Memory(now); err != nil || again.NextID != m.NextID+1 {
		t.Errorf("memory: got next id %d, %v; want %d", again.NextID, err, m.NextID+1)
	}
}

func lookingAtEvidence(t *testing.T, dir string) {
	path := filled(t, dir)
	crashed := crash(t, path)
	torn := path + ".torn"
	copyFile(t, crashed, torn, "", "-wal")
	remount(t, dir, syscall.MS_RDONLY)
	defer remount(t, dir, 0)
	_, err := Open(torn, Options{ReadOnly: true})
	wantError(t, err, "copy both to where they can be written")
	for _, path := range []string{path, crashed} {
		s, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		whole(t, s, 3, 200)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
