package audit

import "time"

// History is what the guard itself saw of accounts.
type History struct {
	Since    time.Time            // it watches since then
	Accounts map[string]Seen      // by [Key]
	Trunks   map[string]time.Time // the last call over each trunk, by [Key]
	Forwards []Forwarded          // calls that phones sent on by themselves
}

// Forwarded is a call that a phone sent on with SIP 302.
type Forwarded struct {
	Account, Domain, Number string
	Last                    time.Time
}

// Seen is when an account was last seen doing what only its owner can. Zero
// times mean never.
type Seen struct {
	Registered time.Time
	Called     time.Time // an authenticated call
	Moved      time.Time // it was first seen at the newest of its addresses
}

// Key is under what the history keeps an account: its name, with its domain
// where tenants may have accounts of the same name.
func Key(name, domain string) string {
	if domain == "" {
		return name
	}
	return name + "@" + domain
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Merge adds what was seen of an account to what is known of it.
func (h *History) Merge(key string, s Seen) {
	old := h.Accounts[key]
	h.Accounts[key] = Seen{later(old.Registered, s.Registered), later(old.Called, s.Called), later(old.Moved, s.Moved)}
}

// Seen returns what was seen of an account: with a domain, of that of this
// tenant alone. What was kept without domains counts for a PBX that has none.
func (h *History) Seen(name, domain string) Seen { return h.Accounts[Key(name, domain)] }

// Last is when the account was last seen at all.
func (s Seen) Last() time.Time { return later(s.Registered, s.Called) }
