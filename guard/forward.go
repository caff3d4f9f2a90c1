package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Switchboard changes settings of a PBX. Its methods queue and return at once;
// false says that it cannot: there is no account that may.
type Switchboard interface {
	// SetForward sends calls to an account to number as how says, in the PBX's
	// own words: an AstDB family; "" as number sends them to the phone again.
	SetForward(account Account, how, number string) bool
	// SetLocks has dial plans know which accounts are locked, these and no others.
	SetLocks([]Locked) bool
	// Look tells of all forwards again, each by [ForwardSet] with Up, soon.
	Look() bool
}

// Locked is a lock as a dial plan must know it.
type Locked struct {
	Account Account
	All     bool         // bars every call but emergency ones; else international and dear ones
	Until   time.Time    // zero: until somebody lifts it
	Spared  []netip.Addr // from where calls may be placed
}

// String is the lock as dial plans read it: "all" or "abroad", until when in seconds
// since 1970, and the addresses that it spares, as in
// "all:1795320000:,198.51.100.7,198.51.100.8,".
func (l Locked) String() string {
	scope, until := "abroad", int64(endlessly)
	if l.All {
		scope = "all"
	}
	if !l.Until.IsZero() {
		until = l.Until.Unix()
	}
	text := fmt.Sprintf("%s:%d:,", scope, until)
	for _, a := range l.Spared {
		text += a.String() + ","
	}
	return text
}

const endlessly = 4102444800 // the year 2100

// ForwardOff says that a forward was switched off, or with Off that it was
// switched on again.
type ForwardOff struct {
	ID      uint64    `json:"id"`
	At      time.Time `json:"at"`
	Account Account   `json:"account"`
	How     string    `json:"how"`
	Number  string    `json:"number"` // as the PBX had it
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
	Off     bool      `json:"off,omitempty"`
}

func (ForwardOff) record() {}

// maxForwardsOff bounds those that can be switched on again.
const maxForwardsOff = 1000

// sought is a forward that is to be switched off once it is known where it stands.
type sought struct {
	number, reason string
	until          time.Time
}

// seekFor is how long a forward is looked for: longer than it takes until the
// database is read again anyway.
const seekFor = 90 * time.Second

// stopForward switches off the forward that a call was ended for. Where the code
// that sets it was ended, the PBX may have set it before; where nobody has told yet
// how the PBX keeps it, its database is asked.
func (s *state) stopForward(a *attempt, reason string) {
	if a.via != "forward" && !a.feature || a.number.E164 == "" {
		return
	}
	if f := a.payer.forward; f != nil && f.how != "" && f.number == a.number.E164 {
		s.switchOff(a.payer, reason)
		return
	}
	board := s.out.Switchboards[a.site.name]
	if board != nil && a.payer.sought == nil && board.Look() {
		a.payer.sought = &sought{a.number.E164, reason, s.now.Add(seekFor)}
		s.seeking++
	}
}

// switchOff switches off the forward of an account.
func (s *state) switchOff(acc *account, reason string) {
	f := acc.forward
	if len(s.forwardsOff) >= maxForwardsOff {
		return
	}
	board := s.out.Switchboards[acc.PBX]
	d := Decision{Rule: "forward-off", Action: Alert, Enforced: true, PBX: acc.PBX, Account: acc.Account, Number: f.number, Reason: "the forward to " + f.number + " is switched off: " + reason}
	if board == nil || !board.SetForward(acc.Account, f.how, "") {
		d.Reason = "the forward to " + f.number + " stays on: there is no account that may write the PBX's database"
		s.decided(&d)
		return
	}
	s.decided(&d)
	off := ForwardOff{ID: d.ID, At: s.now, Account: acc.Account, How: f.how, Number: f.raw, Reason: reason}
	acc.forward = nil
	s.forwardsOff = append(s.forwardsOff, off)
	s.record(off)
}

// foundForward switches a forward off that was sought.
func (s *state) foundForward(acc *account) {
	q := acc.sought
	if q == nil || acc.forward == nil || acc.forward.how == "" || acc.forward.number != q.number {
		return
	}
	acc.sought = nil
	s.seeking--
	s.switchOff(acc, q.reason)
}

// giveUpForwards tells of forwards that were sought and not found.
func (s *state) giveUpForwards() {
	if s.seeking == 0 {
		return
	}
	for _, acc := range s.accounts {
		q := acc.sought
		if q == nil || s.now.Before(q.until) {
			continue
		}
		acc.sought = nil
		s.seeking--
		s.decide(Decision{Rule: "forward-off", Action: Alert, Enforced: true, PBX: acc.PBX, Account: acc.Account, Number: q.number,
			Reason: "the forward to " + q.number + " stays on, if it is on: it stands nowhere that the guard can change, such as in the phone itself or in FusionPBX's own database"})
	}
}

// undoForward switches a forward on again.
func (s *state) undoForward(id uint64, by string) (undone string, found bool, err error) {
	i := slices.IndexFunc(s.forwardsOff, func(f ForwardOff) bool { return f.ID == id })
	if i < 0 {
		return "", false, nil
	}
	f := s.forwardsOff[i]
	board := s.out.Switchboards[f.Account.PBX]
	if board == nil || !board.SetForward(f.Account, f.How, f.Number) {
		return "", true, fmt.Errorf("cannot switch the forward of %s on again: there is no account that may write the PBX's database", f.Account.Name)
	}
	f.Off, f.By = true, by
	s.forwardsOff = slices.Delete(s.forwardsOff, i, i+1)
	s.record(f)
	s.decide(Decision{Rule: "undo", Reason: "the forward to " + f.Number + " is switched on again", Action: Note, Enforced: true, PBX: f.Account.PBX, Account: f.Account, By: by})
	return fmt.Sprintf("calls to %s go to %s again", f.Account.Name, f.Number), true, nil
}
