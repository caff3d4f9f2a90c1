package guard

import (
	"fmt"
	"slices"
	"time"
)

// A Switchboard changes settings of a PBX. Its methods queue and return at once;
// false says that it cannot: there is no account that may.
type Switchboard interface {
	// SetForward sends calls to an account to number as how says, in the PBX's
	// own words: an AstDB family; "" as number sends them to the phone again.
	SetForward(account Account, how, number string) bool
}

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

// stopForward switches off the forward that a call was ended for.
func (s *state) stopForward(a *attempt, reason string) {
	f := a.payer.forward
	if f == nil || f.how == "" || a.via != "forward" && !a.feature || len(s.forwardsOff) >= maxForwardsOff {
		return
	}
	board := s.out.Switchboards[a.site.name]
	d := Decision{Rule: "forward-off", Action: Alert, Enforced: true, PBX: a.site.name, Account: a.payer.Account, Number: f.number, Reason: "the forward to " + f.number + " is switched off: " + reason}
	if board == nil || !board.SetForward(a.payer.Account, f.how, "") {
		d.Reason = "the forward to " + f.number + " stays on: there is no account that may write the PBX's database"
		s.decided(&d)
		return
	}
	s.decided(&d)
	off := ForwardOff{ID: d.ID, At: s.now, Account: a.payer.Account, How: f.how, Number: f.raw, Reason: reason}
	a.payer.forward = nil
	s.forwardsOff = append(s.forwardsOff, off)
	s.record(off)
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
