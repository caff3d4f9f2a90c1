package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"testing"
)

// bare ends every call to a number that an AMI server tells of, and does nothing
// else: what the least of programs needs. It lasts until the test ends.
func bare(t testing.TB, address, number string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "Action: Login\r\nActionID: 1\r\nUsername: %s\r\nSecret: %s\r\nEvents: call\r\n\r\n", amiUser, amiSecret); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		obey(conn, number)
	}()
	t.Cleanup(func() { conn.Close(); <-done })
}

// obey reads until the connection ends.
func obey(conn net.Conn, number string) {
	in := bufio.NewReaderSize(conn, 64<<10)
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
