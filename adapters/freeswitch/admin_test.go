package freeswitch

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/adapters/adaptertest"
)

func newAdmin(t *testing.T, e *adaptertest.ESL, password string) *Admin {
	t.Helper()
	a, err := NewAdmin(AdminOptions{Address: e.Address(), Password: password, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestAdminAsks(t *testing.T) {
	e := adaptertest.NewESL(t)
	e.API("version", "FreeSWITCH Version 1.10.12-release (64bit)\n")
	e.API("sofia xmlstatus gateway", `<?xml version="1.0" encoding="ISO-8859-1"?>
<gateways><gateway><name>trunk</name><profile>external</profile><proxy>sip:192.0.2.9:5060;transport=tcp</proxy></gateway>
<gateway><name>b</name><profile>external</profile><proxy>sip:carrier.example</proxy></gateway></gateways>`)
	e.API("show registrations as json", `{"row_count":3,"rows":[
{"reg_user":"1000","realm":"One.Example","expires":"4000000000","network_ip":"192.0.2.1"},
{"reg_user":"1001","realm":"one.example","expires":"1","network_ip":"192.0.2.2"},
{"reg_user":"1002","realm":"one.example","expires":"4000000000","network_ip":"nowhere"}]}`)
	a := newAdmin(t, e, adaptertest.ESLPassword)
	ctx := context.Background()
	if v, err := a.Version(ctx); err != nil || v != "FreeSWITCH Version 1.10.12-release (64bit)" {
		t.Errorf("version: got %q, %v", v, err)
	}
	gateways, err := a.Gateways(ctx)
	if want := []Gateway{{"trunk", "external", []string{"192.0.2.9"}}, {"b", "external", []string{"carrier.example"}}}; err != nil || !reflect.DeepEqual(gateways, want) {
		t.Errorf("gateways: got %v, %v, want %v", gateways, err, want)
	}
	phones, err := a.Registrations(ctx)
	if err != nil || len(phones) != 1 || phones[0].Account.Domain != "one.example" || phones[0].Source != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("registrations: got %+v, %v, want that of 1000", phones, err)
	}
	if _, err := a.api(ctx, "nosuch"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("an unknown command: got %v", err)
	}
}

// TestAdminSendsOneCommand: no argument becomes a second command.
func TestAdminSendsOneCommand(t *testing.T) {
	e := adaptertest.NewESL(t)
	a := newAdmin(t, e, adaptertest.ESLPassword)
	for _, arg := range []string{"a\n\napi shutdown", "a\nb", "a\r\n", "\x00"} {
		if _, err := a.api(context.Background(), "show", arg); err == nil {
			t.Errorf("%q was sent", arg)
		}
	}
	if got := e.Commands(); len(got) > 0 {
		t.Errorf("sent %q", got)
	}
}

// TestAdminAnswersDoNotMix: callers at once each get their own answer, also
// after one was given up.
func TestAdminAnswersDoNotMix(t *testing.T) {
	e := adaptertest.NewESL(t)
	for _, w := range []string{"a", "b", "c", "d"} {
		e.API("show "+w, w)
	}
	a := newAdmin(t, e, adaptertest.ESLPassword)
	e.Mute(true)
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.api(short, "show", "a"); err == nil {
		t.Error("an answer from a PBX that hangs")
	}
	e.Mute(false)
	var callers sync.WaitGroup
	for _, w := range []string{"a", "b", "c", "d"} {
		callers.Go(func() {
			for range 50 {
				if got, err := a.api(context.Background(), "show", w); err != nil || got != w {
					t.Errorf("asked for %q: got %q, %v", w, got, err)
				}
			}
		})
	}
	callers.Wait()
	e.Break()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := a.api(context.Background(), "show", "a")
		if err == nil && got == "a" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the connection broke: got %q, %v", got, err)
		}
	}
}

func TestAdminRefused(t *testing.T) {
	a := newAdmin(t, adaptertest.NewESL(t), "wrong")
	if _, err := a.Version(context.Background()); err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v, want a refusal without the password", err)
	}
}

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "192.0.2.9": "192.0.2.9", "sip:carrier.example:5060;transport=tcp": "carrier.example",
		"[2001:db8::9]:5060": "2001:db8::9", "2001:db8::9": "2001:db8::9", "sips:a@b.example": "b.example",
	} {
		if got := HostOf(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
