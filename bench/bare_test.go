package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// bare ends every call to a number that an AMI server tells of, and does nothing
// else: what the least of programs needs. It lasts until the test ends.
func bare(t testing.TB, address, number string) {
	t.Helper()
	conn, in, err := enter(address, "call")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		obey(conn, in, number)
	}()
	t.Cleanup(func() { conn.Close(); <-done })
}

// bareEnv tells this program to be nothing but a bare client: "ADDRESS NUMBER",
// or "ADDRESS bans" for one that counts failures instead.
const (
	bareEnv   = "PBXGUARD_BENCH_BARE"
	countBans = "bans"
)

// bareProcess is bare in a process of its own.
func bareProcess(t testing.TB, address, number string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), bareEnv+"="+address+" "+number)
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
		t.Fatalf("the bare client has not logged in: %v", err)
	}
}

// runBare is that process; it returns its exit code.
func runBare(what string) int {
	address, number, _ := strings.Cut(what, " ")
	classes := "call"
	if number == countBans {
		classes = "security"
	}
	conn, in, err := enter(address, classes)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare client:", err)
		return 1
	}
	fmt.Println("logged in")
	if number != countBans {
		obey(conn, in, number)
	} else if err := count(in); err != nil {
		fmt.Fprintln(os.Stderr, "bare program:", err)
		return 1
	}
	return 0
}

// enter logs in to an AMI server and reads up to its first answer.
func enter(address, classes string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	_, err = fmt.Fprintf(conn, "Action: Login\r\nActionID: 1\r\nUsername: %s\r\nSecret: %s\r\nEvents: %s\r\n\r\n", amiUser, amiSecret, classes)
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

// obey reads until the connection ends.
func obey(conn net.Conn, in *bufio.Reader, number string) {
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
