// Package testbed runs real Asterisk servers and SIP phones for tests.
//
// Everything happens in a private network namespace in which every
// documentation address (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and
// 2001:db8::/32) can be bound, so that phones, attackers and the trunk have
// addresses which may be banned, and no packet leaves the machine.
// A package which uses it has
//
//	func TestMain(m *testing.M) { testbed.Main(m) }
package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// stageEnv says how far into the namespace this process is: unset outside,
// stageInit as the first process in it, stageTests where the tests run, or
// the reason why there is no namespace.
const (
	stageEnv   = "PBXGUARD_NAMESPACE"
	stageInit  = "init"
	stageTests = "tests"
)

// hostNet is the file descriptor of the machine's own network namespace,
// which a build of a chroot needs.
const hostNet = 3

// Main runs a package's tests in a private network namespace and exits. It is
// for TestMain. Without root the tests run where they are and those which
// need the namespace skip.
func Main(m *testing.M) { os.Exit(Runner{m}.Run()) }

// Runner is a testing.M whose Run happens in a private network namespace, for
// a TestMain which hands its M to somebody else, such as testscript.Main.
type Runner struct{ *testing.M }

// Run returns the exit code of the tests. The test binary starts itself twice:
// as the first process of fresh network, mount and process namespaces, and
// from there as the tests. The kernel ends whatever the tests left running
// when that first process ends, even after a panic or a timeout.
func (r Runner) Run() int {
	switch os.Getenv(stageEnv) {
	case stageTests:
		syscall.CloseOnExec(hostNet)
		return r.M.Run()
	case stageInit:
		return runInit()
	}
	code, err := runNamespace()
	if err != nil {
		os.Setenv(stageEnv, err.Error())
		return r.M.Run()
	}
	return code
}

// Namespace skips the test unless it runs in the private network namespace.
func Namespace(t testing.TB) {
	t.Helper()
	switch stage := os.Getenv(stageEnv); stage {
	case stageTests:
	case "":
		t.Fatal("testbed.Main was not called by TestMain")
	default:
		Skip(t, stage)
	}
}

// runNamespace starts the first process in fresh namespaces and waits for it.
func runNamespace() (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("needs root, for a private network namespace")
	}
	host, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return 0, fmt.Errorf("cannot open network namespace: %w", err)
	}
	defer host.Close()
	runtime.LockOSThread() // the death signal comes when this thread ends
	cmd := stage(stageInit, host)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot make a private network namespace: %w", err)
	}
	cmd.Wait() // the state has it all
	return exitCode(cmd.ProcessState.Sys().(syscall.WaitStatus)), nil
}

// runInit furnishes the namespaces, starts the tests and buries orphans until
// the tests end.
func runInit() int {
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		return 1
	}
	cmd := stage(stageTests, os.NewFile(hostNet, "host network namespace"))
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "testbed: cannot start the tests:", err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Fprintln(os.Stderr, "testbed: cannot wait for the tests:", err)
			return 1
		case pid == cmd.Process.Pid:
			return exitCode(status)
		}
	}
}

// furnish makes /proc show the new process namespace and lo hold every
// documentation address.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("cannot mount /proc: %w", err)
	}
	script, err := file("asterisk-testbed")
	if err != nil {
		return err
	}
	if out, err := exec.Command(script, "net").CombinedOutput(); err != nil {
		return fmt.Errorf("cannot set up the network namespace: %w: %s", err, out)
	}
	return nil
}

// stage is this test binary again, with its arguments, one stage further.
func stage(name string, host *os.File) *exec.Cmd {
	return &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       os.Args,
		Env:        append(os.Environ(), stageEnv+"="+name),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{host},
	}
}

// exitCode is what a shell would report.
func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// file returns the path of a file of this package. Tests run in their
// package's folder, so the module is above the working directory.
func file(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot find the testbed: %w", err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "testbed", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("cannot find testbed/%s above the working directory", name)
}
