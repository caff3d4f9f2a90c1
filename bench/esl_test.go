package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/percipia/eslgo"
	"github.com/percipia/eslgo/command"

	"pbxguard/adapters/freeswitch"
	"pbxguard/guard"
)

// eslEvents plays what a real FreeSWITCH told of a hundred calls, again and again,
// as fast as it is read, to the adapter and to eslgo alone, on one core that the
// sender shares. eslgo hands the events to a function that counts them; the
// adapter translates each and passes on what the guard is told.
func eslEvents(t testing.TB, r *report) {
	stream, events := eslRecording(t)
	n := r.times(100)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r.heading("Events of FreeSWITCH over its event socket, plain, one core with the sender (eslgo v1.5.2 alone beside it)")
	type take struct{ rate, megabytes, allocs []float64 }
	var ours, theirs take
	for range r.trials(3) {
		for who, read := range map[*take]func(testing.TB, string, int){&ours: readByAdapter, &theirs: readByESLGo} {
			address := serveESL(t, stream, n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			read(t, address, n*events)
			took := time.Since(began).Seconds()
			runtime.ReadMemStats(&after)
			who.rate = append(who.rate, float64(n*events)/took)
			who.megabytes = append(who.megabytes, float64(n*len(stream))/took/1e6)
			who.allocs = append(who.allocs, float64(after.Mallocs-before.Mallocs)/float64(n*events))
		}
	}
	r.values("pbxguard, events", ours.rate, "/s", true, "above eslgo")
	r.values("eslgo alone, events", theirs.rate, "/s", true, "")
	r.values("pbxguard, megabytes", ours.megabytes, " MB/s", true, "")
	r.values("eslgo alone, megabytes", theirs.megabytes, " MB/s", true, "")
	r.values("pbxguard, allocations per event", ours.allocs, "", false, "below eslgo")
	r.values("eslgo alone, allocations per event", theirs.allocs, "", false, "")
}

// eslRecording is the events of a recorded flood, without what came before them.
func eslRecording(t testing.TB) (stream []byte, events int) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "adapters", "freeswitch", "testdata", "captures", "flood_10cps_narrow.esl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	stream, err = io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	stream = stream[bytes.Index(stream, []byte("Content-Length: ")):]
	return stream, bytes.Count(stream, []byte("\nContent-Type: text/event-plain\n"))
}

// serveESL plays the stream n times to the first client that asks for events.
func serveESL(t testing.TB, stream []byte, n int) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	stream = bytes.Clone(stream)
	ids := uuid.FindAllIndex(stream, -1)
	var played atomic.Bool
	serve := func(conn net.Conn) {
		defer conn.Close()
		say := func(s string) { _, _ = io.WriteString(conn, s) } // the reader notices what does not come
		say("Content-Type: auth/request\n\n")
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			switch word, _, _ := strings.Cut(lines.Text(), " "); word {
			case "":
			case "api":
				say("Content-Type: api/response\nContent-Length: 16\n\n{\"row_count\":0}\n")
			case "event":
				say("Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
				if !strings.Contains(lines.Text(), freeswitch.PINEvents) && !played.Swap(true) {
					go func() {
						for round := range n {
							if _, err := conn.Write(anew(stream, ids, round)); err != nil {
								return
							}
						}
					}()
				}
			default:
				say("Content-Type: command/reply\nReply-Text: +OK\n\n")
			}
		}
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return ln.Addr().String()
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// anew gives all calls of a stream other ids, as calls have that come again.
func anew(stream []byte, ids [][]int, round int) []byte {
	tail := fmt.Sprintf("%04x", round)
	for _, at := range ids {
		copy(stream[at[1]-len(tail):], tail)
	}
	return stream
}

func readByAdapter(t testing.TB, address string, events int) {
	t.Helper()
	told := make(chan guard.Event, 4096)
	pbx, err := freeswitch.New(freeswitch.Options{Name: "f", Address: address, Password: "ClueCon", NoLog: true, Events: told, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pbx.Run(ctx) }()
	go func() {
		for {
			select {
			case <-told:
			case <-ctx.Done():
				return
			}
		}
	}()
	for pbx.Status().Links[0].Messages < uint64(events) {
		time.Sleep(100 * time.Microsecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := pbx.Status(); st.Shed > 0 {
		t.Errorf("%d events were shed", st.Shed)
	}
}

func readByESLGo(t testing.TB, address string, events int) {
	t.Helper()
	o := eslgo.InboundOptions{
		Options: eslgo.Options{Context: context.Background(), Logger: eslgo.NilLogger{}, ExitTimeout: time.Second},
		Network: "tcp", Password: "ClueCon", AuthTimeout: 20 * time.Second,
	}
	conn, err := o.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var seen atomic.Int64
	conn.RegisterEventListener(eslgo.EventListenAll, func(*eslgo.Event) { seen.Add(1) })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := conn.SendCommand(ctx, command.Event{Format: "plain", Listen: []string{"ALL"}}); err != nil {
		t.Fatal(err)
	}
	for seen.Load() < int64(events) {
		time.Sleep(100 * time.Microsecond)
	}
}
