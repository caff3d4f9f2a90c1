package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confined in the environment makes the test binary lock itself in.
const confined = "TEST_CONFINED"

func TestMain(m *testing.M) {
	switch os.Getenv(confined) {
	case "exec":
		os.Exit(runConfined())
	case "no core", "core":
		if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}); err != nil {
			fmt.Println(err) // only root may raise it
		}
		if os.Getenv(confined) == "no core" {
			if err := NoCore(); err != nil {
				fmt.Println(err)
			}
		}
		crash()
	}
	os.Exit(m.Run())
}

// crash ends the process in the way that leaves an image of it behind.
func crash() {
	unix.Kill(os.Getpid(), unix.SIGABRT)
	select {}
}

// runConfined says how each way to start a program ends, from threads that were
// there before it was forbidden and from fresh ones.
func runConfined() int {
	begin, done := make(chan struct{}), make(chan string)
	var there sync.WaitGroup
	for n := range 3 {
		there.Add(1)
		go func() {
			runtime.LockOSThread()
			there.Done()
			<-begin
			done <- fmt.Sprintln("thread from before", n, syscall.Exec("/bin/true", []string{"true"}, nil))
		}()
	}
	there.Wait()
	if err := NoExec(); err != nil {
		fmt.Println(err)
		return 1
	}
	close(begin)
	for range 3 {
		fmt.Print(<-done)
	}
	fresh := make(chan error)
	go func() {
		runtime.LockOSThread()
		fresh <- syscall.Exec("/bin/true", []string{"true"}, nil)
	}()
	fmt.Println("fresh thread", <-fresh)
	_, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	fmt.Println("child", err)
	path, _ := syscall.BytePtrFromString("/bin/true")
	_, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, ^uintptr(99), uintptr(unsafe.Pointer(path)), 0, 0, 0, 0)
	fmt.Println("execveat", errno)
	if runtime.GOARCH == "amd64" {
		_, _, errno = unix.Syscall(x32|520, uintptr(unsafe.Pointer(path)), 0, 0) // execve in that style
		fmt.Println("x32", errno)
	}
	f, err := os.Open("/proc/self/status")
	fmt.Println("anything else", err)
	f.Close()
	return 0
}

// R1: what is taken over cannot start a program either: the kernel refuses.
func TestR1KernelRefusesPrograms(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), confined+"=exec")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	refused := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "anything else") {
			if !strings.HasSuffix(line, " <nil>\n") {
				t.Errorf("got %q, want it to work", line)
			}
			continue
		}
		refused++
		if !strings.HasSuffix(line, "operation not permitted\n") {
			t.Errorf("got %q, want it refused", line)
		}
	}
	if want := map[string]int{"amd64": 7, "arm64": 6}[runtime.GOARCH]; refused != want {
		t.Errorf("got %d attempts, want %d:\n%s", refused, want, out)
	}
}

// R15: a crash leaves no image of the memory behind, with the secrets in it.
func TestR15NoCore(t *testing.T) {
	leaves := func(how string) bool {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), confined+"="+how, "GOTRACEBACK=crash")
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if failed := new(exec.ExitError); !errors.As(err, &failed) || !strings.Contains(string(out), "SIGABRT") {
			t.Fatalf("%s: got %v, want a crash:\n%s", how, err, out)
		}
		return cmd.ProcessState.Sys().(syscall.WaitStatus).CoreDump()
	}
	if leaves("no core") {
		t.Error("an image of the memory is left behind")
	}
	if !leaves("core") {
		t.Log("this host keeps images of no process, so that shows little")
	}
}
