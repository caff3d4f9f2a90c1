package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NoExec has the kernel refuse every attempt of this process to become or to
// start another program, for as long as it lives: execve(2) and execveat(2) fail
// with EPERM in all of its threads, and so do calls in the style of another
// architecture. Nothing takes that back. It is for a process that has started
// whatever it needs to; an error means that nothing has changed.
func NoExec() error {
	arch, ok := audited[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("cannot forbid to start programs: not known how on %s", runtime.GOARCH)
	}
	filter := refusing(arch, unix.SYS_EXECVE, unix.SYS_EXECVEAT)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}

	runtime.LockOSThread() // what is asked for first is this thread's alone
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot forbid to gain privileges: %w", err)
	}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	switch {
	case errno != 0:
		return fmt.Errorf("cannot forbid to start programs: %w", errno)
	case thread != 0:
		return fmt.Errorf("cannot forbid to start programs: thread %d has a filter of its own", thread)
	}
	return nil
}

// audited is how the kernel calls the architectures, linux/audit.h.
var audited = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// x32 marks a system call of amd64 with short pointers, asm/unistd.h.
const x32 = 0x40000000

// Where a filter finds what is asked, struct seccomp_data of linux/seccomp.h.
const (
	atNumber = 0
	atArch   = 4
)

// refusing is a filter that lets pass what is asked in the way of arch and is
// none of the calls.
func refusing(arch uint32, calls ...uint32) []unix.SockFilter {
	const load, equal, atLeast, answer = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS,
		unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	n := uint8(len(calls))
	filter := []unix.SockFilter{
		{Code: load, K: atArch},
		{Code: equal, K: arch, Jf: n + 3}, // to the refusal
		{Code: load, K: atNumber},
		{Code: atLeast, K: x32, Jt: n + 1},
	}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: equal, K: call, Jt: n - uint8(i)})
	}
	return append(filter,
		unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
}

// NoCore has the kernel write no image of this process's memory, which holds
// secrets, when it crashes.
func NoCore() error {
	err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	if err == nil {
		return nil
	}
	var is unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &is) == nil && is.Cur == 0 {
		return nil // somebody else has seen to it, and will not let us
	}
	return errors.Join(errors.New("cannot forbid images of the memory"), err)
}
