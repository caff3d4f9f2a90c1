package bench

import (
	"bytes"
	"cmp"
	"context"
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
)

// build makes the program that is measured, once, as "make build" does.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pbxguard-bench-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "pbxguard")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-tags", "sqlite_omit_load_extension",
		"-ldflags", "-s -w", "-o", path, "pbxguard/cmd/pbxguard").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build pbxguard: %w\n%s", err, out)
	}
	return path, nil
})

// buildDir is where the program was built; "" before it was.
var buildDir string

func removeBinary() {
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
}

// daemon is a running "pbxguard run".
type daemon struct {
	t       testing.TB
	cmd     *exec.Cmd
	process int // its number
	client  *control.Client
	log     bytes.Buffer // belongs to cmd while it runs
}

// startDaemon starts the daemon, waits until it watches its PBX, and stops it
// when the test ends.
func startDaemon(t testing.TB, s settings) *daemon {
	t.Helper()
	return startDaemonIn(t, t.TempDir(), s)
}

// startDaemonIn is startDaemon with a folder that may hold a file from before.
func startDaemonIn(t testing.TB, dir string, s settings) *daemon {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	path = cmp.Or(s.program, path)
	d := &daemon{t: t, client: control.NewClient(filepath.Join(dir, "control.sock"))}
	d.cmd = exec.Command(path, "run", "--config", s.write(t, dir))
	d.cmd.Env = append(os.Environ(), "GOMEMLIMIT=600MiB") // as the service has it
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.process = d.cmd.Process.Pid
	t.Cleanup(d.stop)
	d.await("both connections to the PBX", func(st control.Status) bool {
		up := 0
		for _, l := range st.PBXs[0].Links {
			if l.State == control.Connected {
				up++
			}
		}
		return up == 2 && st.Engine.Sites[0].Connected
	})
	return d
}

// stop ends the daemon. It may have been stopped already.
func (d *daemon) stop() {
	if d.cmd.ProcessState != nil {
		return
	}
	d.client.Close()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Error(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("the daemon ended with %v", err)
	}
	if d.t.Failed() {
		d.t.Logf("the daemon said:\n%s", d.log.String())
	}
}

// await waits until the daemon's status is as wanted.
func (d *daemon) await(what string, so func(control.Status) bool) {
	d.t.Helper()
	var last error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		st, err := d.client.Status(context.Background())
		if last = err; err == nil && so(st) {
			return
		}
	}
	d.t.Fatalf("the daemon has not reached %s: %v", what, last)
}

// cpu is the time that the daemon has used so far.
func (d *daemon) cpu() time.Duration {
	d.t.Helper()
	return cpuOf(d.t, d.process)
}

// sizes are the parts of a process's memory, in bytes.
type sizes struct{ resident, own, peak float64 }

func (d *daemon) memory() (m sizes) {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.process))
	if err != nil {
		d.t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		for format, v := range map[string]*float64{"VmRSS: %f kB": &m.resident, "RssAnon: %f kB": &m.own, "VmHWM: %f kB": &m.peak} {
			var kb float64
			if _, err := fmt.Sscanf(l, format, &kb); err == nil {
				*v = kb * 1024
			}
		}
	}
	return m
}
