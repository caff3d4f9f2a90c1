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
	"strings"
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
	attack(ctx, t, a)
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

// attack is a morning at the office, with two attackers: one guesses passwords
// until he finds a weak one and calls Somalia; one has stolen a password.
func attack(ctx context.Context, t *testing.T, a *testbed.Asterisk) {
	trunk := testbed.NewTrunk(t, a)
	phone := func(src, user string, opts ...testbed.PhoneOption) *testbed.Phone {
		p := testbed.NewPhone(t, netip.MustParseAddr(src), user, testbed.Password(user), a.SIP, opts...)
		if code, err := p.Register(ctx); err != nil || code != 200 {
			t.Fatalf("%s cannot register: %d %v", user, code, err)
		}
		return p
	}
	call := func(p *testbed.Phone, number string) *testbed.Call {
		time.Sleep(250 * time.Millisecond)
		return p.Invite(number)
	}
	pause := func(d time.Duration) { time.Sleep(d) }

	// The office, one phone of which answers "I have moved" to a satellite.
	p100 := phone("192.0.2.10", "100")
	phone("192.0.2.11", "101", testbed.Answering(testbed.Redirect("00881612345678")))
	p102 := phone("192.0.2.12", "102")
	p103 := phone("192.0.2.13", "103")
	pause(700 * time.Millisecond)
	long := call(p100, "0201234567")
	help := call(p102, "112")
	pause(1500 * time.Millisecond)

	// A guesser, who would find the password 250 of extension 119.
	guesser := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.66"), "119", "", a.SIP, testbed.FreshCallID())
	for guess := 231; guess <= 250; guess++ {
		code, err := guesser.RegisterWith(ctx, fmt.Sprint(guess))
		if err != nil {
			t.Fatal(err)
		}
		if code == 200 {
			break
		}
		pause(100 * time.Millisecond)
	}
	stolen := phone("198.51.100.66", "119")
	pause(500 * time.Millisecond)
	var fraud []*testbed.Call
	for i := range 10 {
		fraud = append(fraud, call(stolen, fmt.Sprintf("00252612345%02d", i)))
	}
	local := call(p103, "0612345678")
	pause(800 * time.Millisecond)

	// A thief, who has the password of 110 from a phone's web page.
	thief := phone("203.0.113.77", "110")
	pause(500 * time.Millisecond)
	for _, number := range []string{"000972597562518", "90117777123456", "09001234567", "00881612345678", "00972597562518", "0037190112345"} {
		fraud = append(fraud, call(thief, number))
		pause(450 * time.Millisecond)
	}
	for i := range 8 {
		fraud = append(fraud, call(thief, fmt.Sprintf("0025290770012%d", i)))
	}
	if err := help.Hangup(ctx); err != nil {
		t.Fatal(err)
	}
	pause(700 * time.Millisecond)

	// A call from outside for 101, whose phone sends it on to the satellite.
	in := trunk.Invite("31205550101", testbed.From(`<sip:0612345678@192.0.2.1>`))
	pause(1500 * time.Millisecond)
	again := call(p102, "0301234567")
	pause(1500 * time.Millisecond)
	for _, c := range append(fraud, in, again, local, long) {
		if err := c.Hangup(ctx); err != nil && !strings.Contains(err.Error(), "ended") {
			t.Logf("hang up %s: %v", c.Number, err)
		}
	}
}
