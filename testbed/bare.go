package testbed

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
)

// Self starts this test program once more, as a process that its TestMain makes
// something else of because of env ("NAME=value"), and waits for the first line
// that it prints. It is killed when the test ends.
func Self(t testing.TB, env string) *os.Process {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) // it never ends by itself
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the process for %s is not ready: %v", env, err)
	}
	return cmd.Process
}

// EnterAMI logs in to an AMI server for these classes of events and reads up to
// its first answer.
func EnterAMI(address, user, secret, classes string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	_, err = fmt.Fprintf(conn, "Action: Login\r\nActionID: 1\r\nUsername: %s\r\nSecret: %s\r\nEvents: %s\r\n\r\n", user, secret, classes)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		text, err := in.ReadString('\n')
		switch {
		case err != nil:
			return nil, nil, err
		case text == "Response: Success\r\n":
			return conn, in, nil
		}
	}
}

// EndCalls ends every call to a number that an AMI server tells of, and does
// nothing else: what the least of programs needs. It lasts until the connection
// ends.
func EndCalls(conn net.Conn, in *bufio.Reader, number string) {
	var leg, order []byte
	isNew, hit := false, false
	for {
		text, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) > 0 {
			key, value, _ := bytes.Cut(text, []byte(": "))
			switch string(key) {
			case "Event":
				isNew = string(value) == "Newchannel"
			case "Exten":
				hit = string(value) == number
			case "Uniqueid":
				leg = append(leg[:0], value...)
			}
			continue
		}
		if isNew && hit {
			order = fmt.Appendf(order[:0], "Action: Hangup\r\nActionID: 2\r\nChannel: %s\r\nCause: 21\r\n\r\n", leg)
			if _, err := conn.Write(order); err != nil {
				return
			}
		}
		isNew, hit = false, false
	}
}
