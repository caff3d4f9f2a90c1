package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pbxguard/testbed"
)

// hose is the process that has the connection of the failures.
type hose struct {
	cmd  *exec.Cmd
	in   io.WriteCloser // "flood", "stop", and its end
	out  *bufio.Reader  // how many it has told
	once sync.Once
}

// hoseEnv tells this program to be a hose, with the ActionID of the login.
const hoseEnv = "PBXGUARD_E2E_HOSE"

func newHose(l net.Conn, login string) (*hose, error) {
	file, err := l.(*net.TCPConn).File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := &hose{cmd: exec.Command("/proc/self/exe")}
	h.cmd.Env = append(os.Environ(), hoseEnv+"="+login)
	h.cmd.ExtraFiles = []*os.File{file}
	h.cmd.Stderr = os.Stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	return h, h.cmd.Start()
}

// flood floods until ctx is done.
func (h *hose) flood(ctx context.Context) (told int64, err error) {
	if _, err := io.WriteString(h.in, "flood\n"); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { io.WriteString(h.in, "stop\n") })()
	line, err := h.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("it ended by itself: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}

// stop ends the process, and with it the connection.
func (h *hose) stop() {
	h.once.Do(func() {
		h.in.Close()
		h.cmd.Wait()
	})
}

// runHose is the process that a flooder hands a connection to: it answers the
// login of that name, and whatever the guard asks for after it. On "flood" it
// floods until "stop" and prints how many failures it has told; it lasts until
// its input ends. It returns its exit code.
func runHose(login string) int {
	l, err := net.FileConn(os.NewFile(3, "guard"))
	if err == nil {
		_, err = fmt.Fprintf(l, "Response: Success\r\nActionID: %s\r\n\r\n", login)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hose:", err)
		return 1
	}
	go testbed.AnswerAMI(l, func(net.Conn, map[string]string) (string, bool) { return "", true })
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		flood, stop := context.WithCancel(context.Background())
		told := make(chan int64)
		go func() {
			n, err := spout(flood, l)
			if err != nil {
				fmt.Fprintln(os.Stderr, "hose: the guard does not read:", err)
			}
			told <- n
		}()
		orders.Scan()
		stop()
		fmt.Println(<-told)
	}
	return 0
}

// mark is what is made another in an event each time that it is told.
const mark = "SESSIONXX"

// spout tells of failures of all sources in turn until ctx is done, so many in each
// hundredth of a second and no more.
func spout(ctx context.Context, l io.Writer) (told int64, err error) {
	text, err := os.ReadFile("testdata/failure.ami")
	if err != nil {
		return 0, err
	}
	blocks := strings.SplitAfter(string(text), "\r\n\r\n")
	failure := blocks[slices.IndexFunc(blocks, func(b string) bool {
		return strings.Contains(b, "ChallengeResponseFailed") || strings.Contains(b, "InvalidPassword")
	})]
	const share = floodRate / 100
	var parts [][]byte
	for first := 0; first < floodSources; first += share {
		var b bytes.Buffer
		for n := first; n < first+share; n++ {
			b.WriteString(strings.NewReplacer(
				"RemoteAddress: IPV4/TCP/127.0.0.2/36507", fmt.Sprintf("RemoteAddress: IPV4/UDP/10.%d.%d.%d/5060", 100+n>>16, n>>8&255, n&255),
				"SessionID: v1gm9ifs34@test", "SessionID: "+mark+fmt.Sprint(n)).Replace(failure))
		}
		parts = append(parts, b.Bytes())
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	begin := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		// Behind, it writes on at once; ahead, it waits.
		if time.Duration(n)*10*time.Millisecond > time.Since(begin) {
			<-tick.C
		}
		part := parts[n%len(parts)]
		renew(part, n/len(parts))
		if _, err := l.Write(part); err != nil {
			return told, err
		}
		told += share
	}
	return told, nil
}

// renew makes every failure of a part one of another session.
func renew(part []byte, round int) {
	fresh := fmt.Appendf(nil, "SESSION%02d", round%100)
	old := []byte(mark)
	if round > 0 {
		old = fmt.Appendf(nil, "SESSION%02d", (round-1)%100)
	}
	for rest := part; ; {
		i := bytes.Index(rest, old)
		if i < 0 {
			return
		}
		copy(rest[i:], fresh)
		rest = rest[i+len(fresh):]
	}
}
