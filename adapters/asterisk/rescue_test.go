package asterisk

import (
	"strings"
	"sync/atomic"
	"testing"

	"pbxguard/guard"
)

// R13: should something that Asterisk says make us panic, the connection over
// which it came begins afresh, and the other one goes on.
func TestR13OneConnectionBeginsAfresh(t *testing.T) {
	noLeaks(t)
	var reloads atomic.Int32
	f := newFake(t, nil)
	r := run(t, f.address(), func(o *Options, _ *timing) {
		o.OnReload = func(string) {
			if reloads.Add(1) == 1 {
				panic("what nobody thought of")
			}
		}
	})
	r.connected()
	reload := event("Reload", "system,all", "Module: All\nStatus: 0\n")
	f.on(callsMask).say(reload)
	r.next(guard.Disconnected)
	r.next(guard.Connected)
	r.next(guard.ResyncEnded)
	f.on(callsMask).say(reload + event("Newchannel", "call,all", snap("")))
	r.next(guard.LegStarted)
	if st := r.Status(); st.Calls.Reconnects != 1 || st.Security.Reconnects != 0 || st.Security.State != "connected" {
		t.Errorf("got %+v, want one connection made again and the other left alone", st)
	}
	if n := reloads.Load(); n != 2 {
		t.Errorf("got %d reloads told, want 2", n)
	}
	if log := r.log.String(); !strings.Contains(log, "what nobody thought of") || !strings.Contains(log, "rescue_test.go") {
		t.Errorf("the log does not say what happened and where:\n%s", log)
	}
}
