package e2e

import (
	"bytes"
	"debug/elf"
	le "encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/testbed"
)

// stepClock sets the wall clock that the daemon sees to so much later than the
// true one, or earlier. No other process sees it: what the daemon asks for the
// time is the vDSO, a page of code of the kernel's, of which writing makes a copy
// of its own. There the system call takes the place of the kernel's short cut,
// with the step added. Monotonic time goes on as it did, as with a true step.
func (d *daemon) stepClock(by time.Duration) {
	d.t.Helper()
	if runtime.GOARCH != "amd64" {
		testbed.Skip(d.t, "the clock can be stepped for one process on amd64 only")
	}
	pid := d.cmd.Process.Pid
	begin, end := mapped(d.t, pid, "[vdso]")
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer memory.Close()
	at := begin + clockCode(d.t, memory, begin, end)
	code := le.LittleEndian.AppendUint64([]byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: CLOCK_REALTIME is 0
		0x75, 13, // jnz to the end
		0x48, 0xba, // mov rdx, the step in seconds:
	}, uint64(int64(by/time.Second)))
	code = append(code, 0x48, 0x01, 0x16, 0xc3) // add [rsi], rdx; ret
	d.await("no thread asks for the time", 20*time.Second, func() bool {
		d.Signal(syscall.SIGSTOP)
		defer d.Signal(syscall.SIGCONT)
		if !elsewhere(d.t, pid, begin, end) {
			return false
		}
		if _, err := memory.WriteAt(code, int64(at)); err != nil {
			d.t.Fatalf("cannot step the daemon's clock: %v", err)
		}
		return true
	})
}

// mapped is where a process has something mapped.
func mapped(t testing.TB, pid int, name string) (begin, end uint64) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(line, name+"\n") {
			if _, err := fmt.Sscanf(line, "%x-%x", &begin, &end); err != nil {
				t.Fatal(err)
			}
			return begin, end
		}
	}
	t.Fatalf("process %d has no %s", pid, name)
	return 0, 0
}

// clockCode is where in the vDSO the time is told.
func clockCode(t testing.TB, memory *os.File, begin, end uint64) uint64 {
	t.Helper()
	image := make([]byte, end-begin)
	if _, err := memory.ReadAt(image, int64(begin)); err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			return s.Value
		}
	}
	t.Fatal("the vDSO does not tell the time")
	return 0
}

// elsewhere says whether all threads have stopped, and none between two addresses.
func elsewhere(t testing.TB, pid int, begin, end uint64) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("got no threads: %v", err)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		f := strings.Fields(string(text))
		if err != nil || len(f) < 3 { // "running"
			return false
		}
		at, err := strconv.ParseUint(f[len(f)-1], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		if at >= begin && at < end {
			return false
		}
	}
	return true
}
