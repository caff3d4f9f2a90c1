package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestRecordAttack makes the recording that `pbxguard demo` plays: it places an
// attack on a real, unguarded Asterisk 22 and writes down what AMI says.
//
//	PBXGUARD_RECORD=$PWD/demo/attack.ami.gz go test -run TestRecordAttack ./e2e
func TestRecordAttack(t *testing.T) {
	out := os.Getenv("PBXGUARD_RECORD")
	if out == "" {
		t.Skip("makes a recording: set PBXGUARD_RECORD to a file name")
	}
	a := testbed.Start(t, 22)
	rec := record(t, a.AMI)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := raid{
		Asterisk: a, t: t, ctx: ctx, trunk: testbed.NewTrunk(t, a), tell: func(string, ...any) {},
		guesser: netip.MustParseAddr("198.51.100.66"), thief: netip.MustParseAddr("203.0.113.77"),
	}
	r.run()
	time.Sleep(500 * time.Millisecond)
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(rec()); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes in %s", buf.Len(), out)
}

// record logs in as the daemon does and returns a function that ends the
// recording and yields it.
func record(t *testing.T, addr string) func() []byte {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "Action: Login\r\nUsername: pbxguard\r\nSecret: guard-secret\r\nEvents: on\r\n\r\n")
	var buf bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(&buf, bufio.NewReader(conn)) })
	time.Sleep(300 * time.Millisecond)
	return func() []byte {
		conn.Close()
		wg.Wait()
		return buf.Bytes()
	}
}
