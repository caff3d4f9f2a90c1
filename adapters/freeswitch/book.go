package freeswitch

import (
	"sync"

	"pbxguard/guard"
)

// Bounds of what is remembered of legs.
const (
	maxLegs  = 100_000 // that are up; a FreeSWITCH carries some thousands
	maxEnded = 8192    // that have ended, for events that come late
)

// book is what the events of one leg must know of others: who called it, whose
// number that was, and whether it has ended. The events reach us over one
// connection and the list of live legs over another, so a mutex guards it.
type book struct {
	mu    sync.Mutex
	legs  map[guard.LegID]*entry
	ended map[guard.LegID]bool
	order []guard.LegID // of ended, a ring
	next  int           // where the next one goes
	tenants
}

// entry is what is remembered of one leg.
type entry struct {
	call     guard.CallID
	outbound bool
	account  guard.Account // of its own endpoint
	by       guard.LegID   // who called it
	cause    guard.Account // the account of by, which may have ended
	callee   guard.Account // the phone that answered it last
}

func newBook() *book {
	return &book{legs: map[guard.LegID]*entry{}, ended: map[guard.LegID]bool{}, order: make([]guard.LegID, maxEnded)}
}

// begin notes a leg. It is false for one that is known already or has ended, and
// for none at all. full says that too many were up and all are forgotten.
func (k *book) begin(l *leg) (fresh, full bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.id == "" || k.legs[l.id] != nil || k.ended[l.id] {
		return false, false
	}
	if full = len(k.legs) >= maxLegs; full {
		clear(k.legs)
	}
	e := &entry{call: l.call, outbound: l.outbound, account: l.account, by: l.by}
	if by := k.legs[l.by]; by != nil {
		e.cause = by.payer()
	}
	k.legs[l.id] = e
	k.see(l.account.Domain)
	return true, full
}

// payer is who is to blame for what a leg has others do: of one that was called,
// whoever called it.
func (e *entry) payer() guard.Account {
	if e.outbound && e.cause.Name != "" {
		return e.cause
	}
	return e.account
}

// answered notes that a leg which was called is up.
func (k *book) answered(id guard.LegID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.legs[id]; e != nil && e.outbound && e.account.Domain != "" {
		if by := k.legs[e.by]; by != nil {
			by.callee = e.account
		}
	}
}

// end notes that a leg is gone, and says whether that is news.
func (k *book) end(id guard.LegID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id == "" || k.ended[id] {
		return false
	}
	delete(k.legs, id)
	delete(k.ended, k.order[k.next])
	k.order[k.next], k.ended[id] = id, true
	k.next = (k.next + 1) % len(k.order)
	return true
}

// of returns a copy of what is known of a leg.
func (k *book) of(id guard.LegID) (e entry, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.legs[id]
	if p == nil {
		return entry{}, false
	}
	return *p, true
}

// has says whether a leg is up as far as is known, and gone whether it is known
// to have ended.
func (k *book) has(id guard.LegID) (up, gone bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.legs[id] != nil, k.ended[id]
}

// forget forgets the legs that are up, so that the next list tells all of them
// in full.
func (k *book) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.legs)
}

// tenants tells in which domain an extension is that is named without one: in
// the only one there is, as far as has been seen.
type tenants struct {
	only    string
	several bool
}

func (t *tenants) see(domain string) {
	switch {
	case domain == "" || domain == t.only || t.several:
	case t.only == "":
		t.only = domain
	default:
		t.several = true
	}
}

// domain is the only domain, or "" if there are several or none is known.
func (k *book) domain() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.several {
		return ""
	}
	return k.only
}
