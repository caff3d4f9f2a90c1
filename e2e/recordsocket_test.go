package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestRecordSocket makes the recordings of what a FreeSWITCH sends to a gate: it
// has calls ask at a listener of its own, in the ways that a call can come
// about, and writes down the answers to "connect".
//
//	PBXGUARD_FREESWITCH=PREFIX PBXGUARD_RECORD=$PWD/gate/testdata go test -run TestRecordSocket ./e2e
func TestRecordSocket(t *testing.T) {
	dir := os.Getenv("PBXGUARD_RECORD")
	if dir == "" {
		t.Skip("makes recordings: set PBXGUARD_RECORD to a folder")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f := testbed.StartFreeSWITCH(t, testbed.WithFile("dialplan/default/00_gate.xml", `<include>
  <extension name="ask">
    <condition field="destination_number" expression="^(00\d+)$">
      <action application="set" data="pbxguard_pbx=freeswitch"/>
      <action application="set" data="pbxguard_number=$1"/>
      <action application="set" data="pbxguard_trunk=trunk"/>
      <action application="socket" data="`+ln.Addr().String()+` sync full"/>
    </condition>
  </extension>
</include>
`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	trunk := testbed.NewTrunk(t, f)
	phone := func(user string, opts ...testbed.PhoneOption) *testbed.Phone {
		return testbed.NewPhone(t, netip.MustParseAddr("198.51.100."+user), user, testbed.Password(user), f.SIP, opts...)
	}
	const number = "0031900123456"
	for _, tt := range []struct {
		name string
		call func() *testbed.Call
	}{
		{"phone", func() *testbed.Call {
			return phone("100").Invite(number, testbed.From(`"White House" <sip:+12025550100@`+f.Domain+`>`))
		}},
		{"tenant", func() *testbed.Call { return phone("100", testbed.Domain(testbed.Tenant)).Invite(number) }},
		{"loopback", func() *testbed.Call { return phone("100").Invite("70" + number) }},
		{"forwarded", func() *testbed.Call {
			f.Forward(t, "101", number)
			return trunk.Invite("31205550101", testbed.From("<sip:0612345678@203.0.113.90>"))
		}},
	} {
		call := tt.call()
		asked := connectReply(t, ln)
		if err := os.WriteFile(filepath.Join(dir, tt.name+".esl"), asked, 0o644); err != nil {
			t.Fatal(err)
		}
		if code, err := call.Wait(ctx); err != nil || code < 300 {
			t.Errorf("%s: got %d, %v; want the call to end when nobody answers it", tt.name, code, err)
		}
	}
}

// connectReply is what the server that asks next answers to "connect".
func connectReply(t *testing.T, ln net.Listener) []byte {
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(conn, "connect\n\n")
	var all bytes.Buffer
	in := bufio.NewReader(io.TeeReader(conn, &all))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d bytes: %v", all.Len(), err)
		}
		if line == "\n" {
			return all.Bytes()
		}
	}
}
