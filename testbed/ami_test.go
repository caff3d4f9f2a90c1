package testbed

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// recording is a manager session whose every received byte is kept.
type recording struct {
	conn net.Conn
	mu   sync.Mutex
	text strings.Builder
}

// record logs in to the manager interface.
func record(t *testing.T, a *Asterisk, user, secret string) *recording {
	t.Helper()
	conn, err := net.Dial("tcp", a.AMI)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); io.Copy(r, conn) }()
	t.Cleanup(func() { conn.Close(); <-done })
	r.send(t, "Login", "Username", user, "Secret", secret)
	r.wait(t, "Message: Authentication accepted")
	return r
}

func (r *recording) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// send sends an action with its headers.
func (r *recording) send(t *testing.T, action string, headers ...string) {
	t.Helper()
	text := "Action: " + action + "\r\n"
	for i := 0; i < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := io.WriteString(r.conn, text+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

// blocks are the complete blocks received which have every one of the lines.
func (r *recording) blocks(lines ...string) []string {
	r.mu.Lock()
	all := strings.Split(r.text.String(), "\r\n\r\n")
	r.mu.Unlock()
	var found []string
next:
	for _, b := range all[:len(all)-1] {
		for _, l := range lines {
			if !strings.Contains("\r\n"+b, "\r\n"+l) {
				continue next
			}
		}
		found = append(found, b)
	}
	return found
}

// wait waits for a block with a line which begins with each of the lines.
func (r *recording) wait(t *testing.T, lines ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		if found := r.blocks(lines...); len(found) > 0 {
			return found[0]
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("no block with %q came", lines)
		}
	}
}

// header is a header of a block.
func header(block, name string) string {
	for line := range strings.SplitSeq(block, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}
