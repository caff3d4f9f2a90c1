package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// R15: the PBX's password is in the memory of the guard and in its file. It is
// in no command line and no environment, not in what the guard says, to whomever,
// nor in what it stores, and not in what is left of it after a crash.
func TestR15SecretsStayInside(t *testing.T) {
	canary := "canary-" + rand.Text()
	board := newSwitchboard(t)
	systemd := newManager(t)
	d := newDaemon(t, board.asterisk(t), settings{Secret: canary, Bans: "enforce", Calls: "enforce", BansMore: `learn = "0s"`,
		Tables: "[log]\nlevel = \"debug\"\n"})
	d.env = []string{"NOTIFY_SOCKET=" + systemd.path, "GOTRACEBACK=crash"}
	d.Start()
	d.WaitConnected()
	board.burst()
	d.await("somebody is banned", 20e9, func() bool { return len(d.Bans()) > 0 })

	seen := map[string][]byte{}
	for _, command := range []string{"status", "status --json", "check", "check --json", "calls", "log --json", "bans", "explain 0201234567 --json"} {
		out, _, err := d.try(strings.Fields(command)...)
		seen["pbxguard "+command] = fmt.Append(nil, out, err)
	}
	for _, name := range []string{"cmdline", "environ"} {
		paths, err := filepath.Glob("/proc/[0-9]*/" + name)
		if err != nil || len(paths) < 2 {
			t.Fatalf("got %d processes, %v; want some to look at", len(paths), err)
		}
		for _, path := range paths {
			seen[path], _ = os.ReadFile(path) // it may have ended
		}
	}
	d.Signal(syscall.SIGABRT)
	<-d.exited
	if d.cmd.ProcessState.Sys().(syscall.WaitStatus).CoreDump() {
		t.Error("a crash leaves an image of the memory behind")
	}
	seen["the log and the last words"] = []byte(d.log.text())
	for len(systemd.said) > 0 {
		seen["what systemd is told"] = append(seen["what systemd is told"], <-systemd.said...)
	}
	stored, err := filepath.Glob(filepath.Join(d.dir, "pbxguard.db*"))
	if err != nil || len(stored) < 2 {
		t.Fatalf("got %v, %v; want the database and its log", stored, err)
	}
	for _, path := range stored {
		if seen[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for where, text := range seen {
		if i := bytes.Index(text, []byte(canary)); i >= 0 {
			t.Errorf("%s: the secret comes out: %q", where, text[max(0, i-60):i+len(canary)])
		}
	}
	if !strings.Contains(d.log.text(), "SIGABRT") || len(seen["what systemd is told"]) == 0 {
		t.Error("there were no last words, or systemd was told nothing: that shows little")
	}
	d.log = new(journal) // else it would be shown if the test failed
}
