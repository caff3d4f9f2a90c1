package conf

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// What this package reads is what real servers say that they read.
func TestRealAsteriskReadsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real Asterisk")
	}
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			etc := filepath.Join(a.Root, "etc")
			for i, tr := range trickies {
				for name, text := range tr.named(fmt.Sprintf("t%d", i)) {
					if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			ami := login(t, a.AMI)
			r := Reader{Files: FS(os.DirFS(etc), 1<<20), Dir: "/"}
			for i, tr := range trickies {
				t.Run(tr.name, func(t *testing.T) {
					name := fmt.Sprintf("t%d.conf", i)
					got, theirs := dump(r.Read(name)), ami.config(t, name)
					if got != theirs {
						t.Errorf("got       %.300q\nAsterisk  %.300q", got, theirs)
					}
				})
			}
		})
	}
}

// amiClient is the least that asks for a configuration.
type amiClient struct{ net.Conn }

func login(t *testing.T, addr string) amiClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := amiClient{conn}
	if reply := c.ask(t, "Action: Login\r\nUsername: all\r\nSecret: all-secret\r\nEvents: off\r\n"); !strings.Contains(reply, "Success") {
		t.Fatalf("cannot log in: %q", reply)
	}
	return c
}

// ask sends an action and returns the block that answers it.
func (c amiClient) ask(t *testing.T, action string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "%sActionID: x\r\n\r\n", action); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, all.String())
		}
		all.Write(buf[:n])
		for block := range strings.SplitSeq(all.String(), "\r\n\r\n") {
			if strings.Contains(block+"\r\n", "ActionID: x\r\n") && strings.HasSuffix(all.String(), "\r\n\r\n") {
				return block
			}
		}
	}
}

// config asks for a file as Asterisk reads it, in the form of dump.
func (c amiClient) config(t *testing.T, name string) string {
	t.Helper()
	reply := c.ask(t, "Action: GetConfig\r\nFilename: "+name+"\r\n")
	if strings.Contains(reply, "Response: Error") {
		return "invalid"
	}
	var all []string
	for line := range strings.SplitSeq(reply, "\r\n") {
		head, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(head, "Category-"):
			all = append(all, "["+value+"]")
		case strings.HasPrefix(head, "Line-") && len(all) > 0:
			all[len(all)-1] += " " + value
		}
	}
	return strings.Join(all, " | ")
}
