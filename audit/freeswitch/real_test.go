package freeswitch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// diskFiles reads the disk itself.
type diskFiles struct{}

func (diskFiles) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

func (diskFiles) Glob(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	sort.Strings(names)
	return names, err
}

// What the reader compiles is, to the byte, what a real FreeSWITCH compiles of
// the same files.
func TestRealFreeSWITCHCompilesTheSame(t *testing.T) {
	prefix := os.Getenv("PBXGUARD_FREESWITCH")
	if prefix == "" {
		testbed.Skip(t, "real FreeSWITCH")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	top := "<document type=\"freeswitch/xml\">\n<section name=\"configuration\">\n</section>\n"
	for i, tt := range compiled {
		for name, text := range tt.files {
			if name == "" {
				name = "freeswitch.xml"
			}
			write(t, filepath.Join(conf, fmt.Sprintf("case%02d", i), name), text)
		}
		top += fmt.Sprintf("<X-PRE-PROCESS cmd=\"include\" data=\"case%02d/freeswitch.xml\"/>\n", i)
	}
	write(t, filepath.Join(conf, "freeswitch.xml"), top+"</document>\n")
	want := realCompiled(t, prefix, dir)

	p, err := compile(diskFiles{}, conf, map[string]variable{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.out.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// realCompiled starts FreeSWITCH, which compiles its files before all else, and
// returns the document. It opens no port: it has no modules, and ends at a
// document that it refuses.
func realCompiled(t *testing.T, prefix, dir string) string {
	args := []string{"-nonat", "-nf", "-nc"}
	for _, name := range []string{"conf", "log", "db", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-"+name, filepath.Join(dir, name))
	}
	cmd := exec.Command(filepath.Join(prefix, "bin/freeswitch"), args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-ended
	}()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(dir, "log/freeswitch.xml.fsxml"))
		if err == nil && strings.Contains(string(text), "</document>") {
			return string(text)
		}
	}
	t.Fatal("FreeSWITCH did not compile its files")
	return ""
}
