package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smapsText is of a running pbxguard: its code, its constants, what the loader
// wrote and then sealed, its variables, memory of Go's, and a database's index.
const smapsText = `00403000-01076000 r-xp 00003000 fe:00 9994462                            /usr/bin/pbxguard
Size:              12748 kB
Rss:               12620 kB
Private_Clean:     12620 kB
Anonymous:             0 kB
AnonHugePages:         0 kB
VmFlags: rd ex mr mw me
01076000-01ea6000 r--p 00c76000 fe:00 9994462                            /usr/bin/pbxguard
Rss:               12516 kB
Anonymous:             0 kB
01ea6000-01ea9000 r--p 01aa5000 fe:00 9994462                            /usr/bin/pbxguard
Rss:                  12 kB
Anonymous:             4 kB
01ea9000-0201b000 rw-p 01aa8000 fe:00 9994462                            /usr/bin/pbxguard
Rss:                 992 kB
Anonymous:             0 kB
c000000000-c000c00000 r--p 00000000 00:00 0
Rss:                  64 kB
Anonymous:             0 kB
7f0000000000-7f0000008000 r--s 00000000 fe:00 12345                      /var/lib/pbxguard/state.db-shm
Anonymous:             0 kB
7f95798b3000-7f9579a16000 r-xp 00028000 fe:00 4711                       /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
`

// TestPristine finds nothing that is not on the disk as it is in memory.
func TestPristine(t *testing.T) {
	got, err := pristine(strings.NewReader(smapsText))
	want := []part{
		{0x403000, 0x1076000, "/usr/bin/pbxguard"},
		{0x1076000, 0x1ea6000, "/usr/bin/pbxguard"},
		{0x7f95798b3000, 0x7f9579a16000, "/usr/lib/x86_64-linux-gnu/libc.so.6"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
}

// TestLetGo takes a file's pages out of the memory of this very process, which
// still reads what they say, and whose own changes to another file's stay.
func TestLetGo(t *testing.T) {
	text := bytes.Repeat([]byte("as it is on the disk\n"), 100_000)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	clean, changed := mapped(t, path, len(text), "as"), mapped(t, path, len(text), "mine")
	if n := residentIn(t, path); n < 2*len(text)/1024 {
		t.Fatalf("%d kB resident of two times %d bytes: nothing to let go of", n, len(text))
	}
	parts, err := linkedParts()
	if err != nil {
		t.Fatal(err)
	}
	// Other tests' libraries are none of this one's.
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.file != path })
	if len(parts) != 1 {
		t.Fatalf("got %v, want the one part of %s that was not written", parts, path)
	}
	if err := letGo(parts); err != nil {
		t.Fatal(err)
	}
	if n := residentIn(t, path); n > len(text)/1024+8 {
		t.Errorf("still %d kB resident", n)
	}
	if !bytes.Equal(clean, text) || !bytes.HasPrefix(changed, []byte("mine")) {
		t.Error("what is in memory is another than was")
	}
}

// mapped is a file in memory, every page of it there. It begins with other words,
// which are not written back, and can no longer be changed.
func mapped(t *testing.T, path string, size int, begins string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	if !bytes.HasPrefix(b, []byte(begins)) {
		copy(b, begins)
	}
	if err := unix.Mprotect(b, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	bytes.Count(b, []byte{0}) // reads all of it
	return b
}

// residentIn is how much of a file this process has in memory, in kB.
func residentIn(t *testing.T, path string) (sum int) {
	t.Helper()
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	of := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		if p, _, ok := begins(lines.Text()); ok {
			of = p.file == path
		}
		var kb int
		if n, _ := fmt.Sscanf(lines.Text(), "Rss: %d kB", &kb); n == 1 && of {
			sum += kb
		}
	}
	return sum
}
