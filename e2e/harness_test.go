package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// daemon is a "pbxguard run" of its own, with a folder of its own.
type daemon struct {
	t        testing.TB
	pbx      testbed.PBX
	bin, dir string
	env      []string // beside the test's own
	nice     int      // as nice(1) has it
	kept     string   // folder of the store

	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	log    *journal
}

// newDaemon writes a configuration for a daemon that is yet to be started.
func newDaemon(t testing.TB, pbx testbed.PBX, s settings) *daemon {
	t.Helper()
	d := &daemon{t: t, pbx: pbx, bin: binary(t), dir: t.TempDir(), log: new(journal)}
	s.write(t, d.dir, pbx)
	d.kept = cmp.Or(s.State, d.dir)
	t.Cleanup(func() {
		d.Kill9()
		said := d.log.text()
		if t.Failed() {
			t.Logf("the daemon said, lastly:\n%s", tail(said, 50_000))
		}
		if at := strings.Index(said, "DATA RACE"); at >= 0 {
			t.Errorf("data race in the daemon:\n%s", said[at:min(len(said), at+20_000)])
		}
	})
	return d
}

// startDaemon starts a daemon and waits until it watches the PBX.
func startDaemon(t testing.TB, pbx testbed.PBX, s settings) *daemon {
	t.Helper()
	d := newDaemon(t, pbx, s)
	d.Start()
	d.WaitConnected()
	return d
}

// Start starts the daemon and waits until it answers.
func (d *daemon) Start() {
	d.t.Helper()
	d.launch()
	d.await("the daemon answers", 20*time.Second, func() bool {
		select {
		case <-d.exited:
			d.t.Fatalf("the daemon ended by itself: %v", d.cmd.ProcessState)
		default:
		}
		_, code, err := d.try("status", "--json")
		return err == nil && (code == 0 || code == 3)
	})
}

// launch starts the daemon.
func (d *daemon) launch() {
	d.t.Helper()
	d.cmd = exec.Command("nice", "-n", fmt.Sprint(d.nice), d.bin, "run", "--config", d.path())
	d.cmd.Env = append(os.Environ(), d.env...)
	d.cmd.Stderr, d.cmd.Stdout = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		cmd.Wait() // the state has it all
		close(exited)
	}(d.cmd, d.exited)
}

// Stop ends the daemon as a service manager does and says how long that took.
func (d *daemon) Stop() time.Duration {
	d.t.Helper()
	begin := time.Now()
	d.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(20 * time.Second):
		d.t.Fatal("the daemon does not stop")
	}
	if !d.cmd.ProcessState.Success() {
		d.t.Errorf("the daemon stopped with %v", d.cmd.ProcessState)
	}
	return time.Since(begin)
}

// Kill9 kills the daemon without warning, if it runs.
func (d *daemon) Kill9() {
	if d.cmd == nil {
		return
	}
	d.cmd.Process.Kill()
	<-d.exited
}

// Restart stops the daemon and starts it again.
func (d *daemon) Restart() {
	d.t.Helper()
	d.Stop()
	d.Start()
	d.WaitConnected()
}

func (d *daemon) Signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
	if s == syscall.SIGSTOP {
		// On a busy host it goes on working for a while.
		d.await("the daemon has stopped", 20*time.Second, func() bool { return hasStopped(d.cmd.Process.Pid) })
	}
}

// hasStopped says whether every thread of a process is held by a signal.
func hasStopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		// The name of the program may hold blanks, but ends the last parenthesis.
		if rest := text[bytes.LastIndexByte(text, ')')+1:]; err == nil && !bytes.HasPrefix(rest, []byte(" T ")) {
			return false
		}
	}
	return err == nil && len(threads) > 0
}

// Reload writes another configuration and has the daemon read it.
func (d *daemon) Reload(s settings) {
	d.t.Helper()
	s.write(d.t, d.dir, d.pbx)
	before := d.log.count("msg=reloaded")
	d.Signal(syscall.SIGHUP)
	d.await("the daemon has reloaded", 10*time.Second, func() bool { return d.log.count("msg=reloaded") > before })
}

func (d *daemon) path() string { return filepath.Join(d.dir, "pbxguard.toml") }

// state is the path of the store.
func (d *daemon) state() string { return filepath.Join(d.kept, "pbxguard.db") }

// try runs a command of the command line.
func (d *daemon) try(args ...string) (stdout string, code int, err error) {
	socket := filepath.Join(d.dir, "control.sock") // which a broken file does not tell
	cmd := exec.Command(d.bin, append(args, "--config", d.path(), "--socket", socket)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = nil
		if exit.ExitCode() != 3 {
			err = fmt.Errorf("pbxguard %s: exit code %d: %s", strings.Join(args, " "), exit.ExitCode(), complaint.String())
		}
	}
	return out.String(), cmd.ProcessState.ExitCode(), err
}

// CLI runs a command that must succeed and returns what it wrote on stdout.
func (d *daemon) CLI(args ...string) string {
	d.t.Helper()
	out, _, err := d.try(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// JSON runs a command with --json and puts its answer into v.
func (d *daemon) JSON(v any, args ...string) {
	d.t.Helper()
	out := d.CLI(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		d.t.Fatalf("pbxguard %s --json: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (d *daemon) Status() (st control.Status) {
	d.t.Helper()
	d.JSON(&st, "status")
	return st
}

func (d *daemon) Calls() (calls []guard.LiveCall) {
	d.t.Helper()
	d.JSON(&calls, "calls")
	return calls
}

func (d *daemon) Decisions() (ds []guard.Decision) {
	d.t.Helper()
	d.JSON(&ds, "log", "--limit", "10000")
	return ds
}

// Connected says whether the connections to the PBX work and the engine knows.
func (d *daemon) Connected() bool {
	d.t.Helper()
	st := d.Status()
	up := len(st.PBXs[0].Links) > 1
	for _, l := range st.PBXs[0].Links {
		up = up && l.State == control.Connected
	}
	return up && st.Engine.Sites[0].Connected
}

func (d *daemon) WaitConnected() {
	d.t.Helper()
	d.await("the daemon is connected", 60*time.Second, d.Connected)
}

// await waits until something is so.
func (d *daemon) await(what string, limit time.Duration, so func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(limit); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// journal is what a daemon has said so far.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) count(words string) int { return strings.Count(j.text(), words) }
