package asterisk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// TestCallsOvertakeLogins: while the guard is behind with a storm of failed
// logins, a call does not wait for them.
func TestCallsOvertakeLogins(t *testing.T) {
	noLeaks(t)
	const room = 16
	events := make(chan guard.Event, room)
	f := newFake(t, nil)
	r := run(t, f.address(), func(o *Options, _ *timing) { o.Events = events })
	r.events = events
	r.connected()
	var storm strings.Builder
	const failures = 3000
	for n := range failures {
		storm.WriteString(secure("InvalidPassword", "SIP", "101", fmt.Sprintf("IPV4/TCP/192.0.2.7/%d", 1024+n), ""))
	}
	f.on(securityMask).say(storm.String())
	eventually(t, "the storm to wait", func() bool { return r.Status().Waiting >= failures-room-1 })
	f.on(callsMask).say(event("Newchannel", "call,all", snap("")))
	eventually(t, "the call to wait", func() bool { return r.Status().Calls.Events > 2 })
	time.Sleep(10 * time.Millisecond) // for it to stand in line
	before := 0
	for ev := range events {
		if ev.Kind == guard.LegStarted {
			break
		}
		if before++; before >= failures {
			break
		}
	}
	if before > 3*room {
		t.Errorf("the call came behind %d logins of %d, want it to overtake them", before, failures)
	}
}
