package testbed

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// eslPassword is the administrator's password of a FreeSWITCH's event socket.
const eslPassword = "Esl-4711-wq"

// esl is an administrator's connection to a FreeSWITCH's event socket.
type esl struct {
	net.Conn
	in *bufio.Reader
}

// dialESL connects and logs in as the administrator.
func dialESL(addr string, limit time.Duration) (*esl, error) {
	return loginESL(addr, "auth "+eslPassword, limit)
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
