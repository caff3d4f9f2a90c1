package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pbxguard/testbed"
)

// raid is a morning at the office, with two attackers: one guesses passwords
// until he finds a weak one and calls Somalia; one has stolen a password.
type raid struct {
	*testbed.Asterisk
	t              *testing.T
	ctx            context.Context
	trunk          *testbed.Phone
	guesser, thief netip.Addr
	tell           func(format string, args ...any) // what somebody does, for who watches

	honest, fraud []*testbed.Call
	guesses       int
	shutOut       bool // the guesser got no answer any more
}

func (r *raid) run() {
	// The office, one phone of which answers "I have moved" to a satellite.
	p100 := r.phone("192.0.2.10", "100")
	r.phone("192.0.2.11", "101", testbed.Answering(testbed.Redirect("00881612345678")))
	p102 := r.phone("192.0.2.12", "102")
	p103 := r.phone("192.0.2.13", "103")
	time.Sleep(700 * time.Millisecond)
	r.honest = append(r.honest, r.call(p100, "0201234567"))
	help := r.call(p102, "112")
	time.Sleep(1500 * time.Millisecond)

	if r.guess() {
		r.pump(r.phone(r.guesser.String(), "119"))
	}
	r.honest = append(r.honest, r.call(p103, "0612345678"))
	time.Sleep(800 * time.Millisecond)
	r.steal(r.phone(r.thief.String(), "110"))
	if err := help.Hangup(r.ctx); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond)

	r.tell("somebody calls in for 101, whose phone sends him on to a satellite")
	r.fraud = append(r.fraud, r.trunk.Invite("31205550101", testbed.From(`<sip:0612345678@192.0.2.1>`)))
	time.Sleep(1500 * time.Millisecond)
	r.honest = append(r.honest, r.call(p102, "0301234567"))
	time.Sleep(1500 * time.Millisecond)
	for _, c := range append(r.fraud, r.honest...) {
		if err := c.Hangup(r.ctx); err != nil {
			r.t.Logf("cannot hang up %s: %v", c.Number, err)
		}
	}
	r.honest = append(r.honest, help)
}

func (r *raid) phone(src, user string, opts ...testbed.PhoneOption) *testbed.Phone {
	r.t.Helper()
	p := testbed.NewPhone(r.t, netip.MustParseAddr(src), user, testbed.Password(user), r.SIP, opts...)
	if code, err := p.Register(r.ctx); err != nil || code != 200 {
		r.t.Fatalf("%s cannot register: %d %v", user, code, err)
	}
	return p
}

func (r *raid) call(p *testbed.Phone, number string) *testbed.Call {
	time.Sleep(250 * time.Millisecond)
	r.tell("%s calls %s", p.User, number)
	return p.Invite(number)
}

// guess tries passwords of extension 119 until it finds the right one, or is
// shut out.
func (r *raid) guess() (found bool) {
	r.tell("%s guesses passwords of extension 119", r.guesser)
	p := testbed.NewPhone(r.t, r.guesser, "119", "", r.SIP, testbed.FreshCallID())
	for guess := 231; guess <= 250; guess++ {
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		code, err := p.RegisterWith(ctx, fmt.Sprint(guess))
		cancel()
		if err != nil {
			r.shutOut = true
			r.tell("%s gets no answer any more", r.guesser)
			return false
		}
		r.guesses++
		if code == 200 {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// pump calls numbers that earn the attacker money.
func (r *raid) pump(stolen *testbed.Phone) {
	time.Sleep(500 * time.Millisecond)
	for i := range 10 {
		r.fraud = append(r.fraud, r.call(stolen, fmt.Sprintf("00252612345%02d", i)))
	}
}

// steal feels for the outside line, tries what is dear, and pumps.
func (r *raid) steal(stolen *testbed.Phone) {
	time.Sleep(500 * time.Millisecond)
	for _, number := range []string{"000972597562518", "90117777123456", "09001234567", "00881612345678", "00972597562518", "0037190112345"} {
		r.fraud = append(r.fraud, r.call(stolen, number))
		time.Sleep(450 * time.Millisecond)
	}
	for i := range 8 {
		r.fraud = append(r.fraud, r.call(stolen, fmt.Sprintf("0025290770012%d", i)))
	}
}
