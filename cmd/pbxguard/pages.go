package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// part is a part of the process's memory.
type part struct {
	from, to uintptr
	file     string // that it shows, "" for none
}

// rest gives back the memory that only a start or a change needed: a quarter of the
// heap, and most of the program's own file.
func (d *daemon) rest() {
	debug.FreeOSMemory()
	if err := letGo(d.linked); err != nil {
		d.log.Warn("more memory stays in use than is needed", "error", err)
	}
}

// letGo takes parts that [pristine] found out of the process's memory. What runs
// comes back at once, from the kernel's cache; the rest, which only a start needed,
// the kernel may forget.
func letGo(parts []part) error {
	for _, p := range parts {
		// As a system call: x/sys asks for a slice, and this is no memory of Go's.
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, p.from, p.to-p.from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("cannot let go of what is in memory of %s: %w", p.file, errno)
		}
	}
	return nil
}

// linkedParts are the parts of memory with the program and the libraries it is
// linked with, as they are on the disk. It is asked before anything else is loaded:
// libc loads more while names are looked up, and writes to it meanwhile.
func linkedParts() ([]part, error) {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, err
	}
	defer smaps.Close()
	return pristine(smaps)
}

// pristine finds the parts of a process's memory, as proc_pid_smaps(5) lists them,
// that are as a file has them on the disk: they cannot be written, and have no pages
// of their own from a time when they could ("Anonymous").
func pristine(smaps io.Reader) (all []part, err error) {
	var p part
	var sealed bool
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		if next, rights, ok := begins(lines.Text()); ok {
			p, sealed = next, rights == "r-xp" || rights == "r--p"
		} else if rest, ok := strings.CutPrefix(lines.Text(), "Anonymous:"); ok &&
			sealed && strings.HasPrefix(p.file, "/") && strings.TrimSpace(rest) == "0 kB" {
			all = append(all, p)
		}
	}
	return all, lines.Err()
}

// begins reads the line that begins a part of the memory, if l is one:
// "00403000-01076000 r-xp 00003000 fe:00 9994462 /usr/bin/pbxguard".
func begins(l string) (p part, rights string, ok bool) {
	var offset, device, inode string
	n, _ := fmt.Sscanf(l, "%x-%x %s %s %s %s", &p.from, &p.to, &rights, &offset, &device, &inode)
	if _, file, found := strings.Cut(l, " "+inode+" "); found {
		p.file = strings.TrimLeft(file, " ")
	}
	return p, rights, n == 6
}
