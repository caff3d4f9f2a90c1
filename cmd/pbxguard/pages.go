package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// rest gives back the memory that only a start or a change needed: a quarter of the
// heap, and most of the program's own file.
func (d *daemon) rest() {
	debug.FreeOSMemory()
	if err := letGo(); err != nil {
		d.log.Warn("more memory stays in use than is needed", "error", err)
	}
}

// letGo takes the pages of the program's own file and of its libraries out of the
// process's memory. What runs comes back at once, from the kernel's cache; the
// rest, which only the start needed, the kernel may forget.
func letGo() error {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer smaps.Close()
	return pristine(smaps, func(from, to uintptr) error {
		// From the kernel directly: it is no memory of Go's, which x/sys would ask for.
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("cannot let go of the memory at %#x: %w", from, errno)
		}
		return nil
	})
}

// pristine tells of each part of a process's memory, as proc_pid_smaps(5) lists
// them, that is as a file has it on the disk: it cannot be written, and has no
// pages of its own from a time when it could ("Anonymous").
func pristine(smaps io.Reader, tell func(from, to uintptr) error) error {
	var from, to uintptr
	var file bool
	var errs []error
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		if start, end, rights, inode, ok := part(lines.Text()); ok {
			from, to = start, end
			file = inode != 0 && (rights == "r-xp" || rights == "r--p")
		} else if rest, ok := strings.CutPrefix(lines.Text(), "Anonymous:"); ok && file && strings.TrimSpace(rest) == "0 kB" {
			errs = append(errs, tell(from, to))
		}
	}
	return errors.Join(append(errs, lines.Err())...)
}

// part reads the line that begins a part of the memory, if l is one:
// "00403000-01076000 r-xp 00003000 fe:00 9994462 /usr/bin/pbxguard".
func part(l string) (from, to uintptr, rights string, inode uint64, ok bool) {
	var offset, device string
	n, _ := fmt.Sscanf(l, "%x-%x %s %s %s %d", &from, &to, &rights, &offset, &device, &inode)
	return from, to, rights, inode, n == 6
}
