package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// asked is what recordings of a FreeSWITCH's events hold.
const asked = "plain CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE CUSTOM sofia::pre_register sofia::register_attempt " +
	"sofia::register sofia::unregister sofia::expire sofia::wrong_call_state"

// TestRecordESL makes recordings of the ways in which an unguarded FreeSWITCH
// comes to call a number, and of two tenants who do.
//
//	PBXGUARD_FREESWITCH=PREFIX PBXGUARD_RECORD=DIR go test -run TestRecordESL ./e2e
func TestRecordESL(t *testing.T) {
	dir := os.Getenv("PBXGUARD_RECORD")
	if dir == "" {
		t.Skip("makes recordings: set PBXGUARD_RECORD to a folder")
	}
	s := newFreeSWITCH(t)
	tenants := way{name: "tenants", call: func(o *office, number string, _ bool) *testbed.Call {
		first := o.answered(o.phone("100"), number)
		second := o.answered(o.phone("100", testbed.Domain(testbed.Tenant)), "0305550124")
		o.hangUp(first)
		return second
	}}
	late := way{name: "late", call: func(o *office, number string, _ bool) *testbed.Call { return o.phone("100").Invite("71" + number) }}
	for _, w := range append([]way{tenants, late}, ways...) {
		t.Run(w.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			o := &office{server: s, t: t, ctx: ctx, trunk: testbed.NewTrunk(t, s.PBX)}
			t.Cleanup(func() { o.ClearForwards(t) })
			text := s.freeSWITCH().Record(t, asked)
			w.call(o, honest, true)
			for out := o.incoming(o.trunk); out.Number != honest; out = o.incoming(o.trunk) {
			}
			time.Sleep(time.Second) // what is still on its way
			o.hangUpAll()
			time.Sleep(500 * time.Millisecond)
			name := strings.NewReplacer(" ", "_", ",", "").Replace(w.name)
			if err := os.WriteFile(filepath.Join(dir, name+".esl"), text(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
