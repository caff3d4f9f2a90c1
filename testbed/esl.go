package testbed

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ESLPassword is the administrator's password of a FreeSWITCH's event socket.
const ESLPassword = "Esl-4711-wq"

// esl is an administrator's connection to a FreeSWITCH's event socket.
type esl struct {
	net.Conn
	in *bufio.Reader
}

// dialESL connects and logs in as the administrator.
func dialESL(addr string, limit time.Duration) (*esl, error) {
	return loginESL(addr, "auth "+ESLPassword, limit)
}

// loginESL connects and logs in with a command.
func loginESL(addr, login string, limit time.Duration) (*esl, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(limit))
	c := &esl{conn, bufio.NewReader(conn)}
	if _, _, err = c.read(); err == nil { // auth/request
		var reply string
		if reply, err = c.command(login); err == nil && !strings.HasPrefix(reply, "+OK") {
			err = fmt.Errorf("login refused: %s", reply)
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot log in to the event socket: %w", err)
	}
	return c, nil
}

// command sends a command and returns what comes back.
func (c *esl) command(cmd string) (string, error) {
	if _, err := io.WriteString(c, cmd+"\n\n"); err != nil {
		return "", err
	}
	head, body, err := c.read()
	if err != nil {
		return "", err
	}
	return head.Get("Reply-Text") + body, nil
}

// read reads one message.
func (c *esl) read() (head textproto.MIMEHeader, body string, err error) {
	if head, err = textproto.NewReader(c.in).ReadMIMEHeader(); err != nil {
		return nil, "", err
	}
	n, _ := strconv.Atoi(head.Get("Content-Length"))
	if n < 0 || n > 16<<20 {
		return nil, "", fmt.Errorf("a body of %d bytes", n)
	}
	buf := make([]byte, n)
	_, err = io.ReadFull(c.in, buf)
	return head, string(buf), err
}

// decodeEvent reads the headers of a plain event.
func decodeEvent(body string) map[string]string {
	event := map[string]string{}
	for line := range strings.Lines(body) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		event[key] = value
	}
	return event
}

// Record has the server tell of events, as "event" asks for them, and returns a
// function that ends the recording and yields every byte that came.
func (f *FreeSWITCH) Record(t testing.TB, events string) (text func() []byte) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", f.ESL, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	done := make(chan struct{})
	go func() { defer close(done); io.Copy(&buf, conn) }()
	stop := sync.OnceFunc(func() { conn.Close(); <-done })
	t.Cleanup(stop)
	fmt.Fprintf(conn, "auth %s\n\nevent %s\n\n", ESLPassword, events)
	return func() []byte { stop(); return buf.Bytes() }
}

// Subscribe has the server tell of events, as "event" asks for them, until the
// test ends. Values are decoded.
func (f *FreeSWITCH) Subscribe(t testing.TB, events string, tell func(event map[string]string)) {
	t.Helper()
	c, err := dialESL(f.ESL, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := c.command("event " + events); err != nil || !strings.HasPrefix(reply, "+OK") {
		t.Fatalf("event %s: %s, %v", events, reply, err)
	}
	c.SetDeadline(time.Time{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, body, err := c.read()
			if err != nil {
				return // it is closed below, or the server is gone
			}
			tell(decodeEvent(body))
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
}
