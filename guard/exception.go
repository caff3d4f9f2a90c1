package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Exception lets an account do for a time what rules would object to: call some
// countries or one number. Caps on money and volume stay, and so do locks that a
// person made.
type Exception struct {
	ID        uint64    `json:"id"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"`
	Account   Account   `json:"account"`
	Countries []string  `json:"countries,omitempty"` // ISO 3166; may be called
	Number    string    `json:"number,omitempty"`    // E.164; may be called
	Sources   []string  `json:"sources,omitempty"`   // countries from where it may come
	Reason    string    `json:"reason"`
	By        string    `json:"by"`
	Off       bool      `json:"off,omitempty"` // it was taken back
}

func (Exception) record() {}

// maxExceptions bounds those that stand at once.
const maxExceptions = 10_000

// excepted says whether an exception covers an attempt.
func (s *state) excepted(a *attempt) bool {
	for i := range s.exceptions {
		x := &s.exceptions[i]
		if x.Account != a.payer.Account || !s.now.Before(x.Until) {
			continue
		}
		if x.Number != "" && x.Number == a.number.E164 || slices.Contains(x.Countries, a.number.Region) && !a.dear() {
			return true
		}
	}
	return false
}

// excuses says whether a rule gives way to an exception: one that goes by where
// somebody calls, when, or from where, and not by how much.
func (r *rule) excuses() bool {
	return r.about == aboutNumbers || r.about == aboutTakeover || r.id == diverted.id
}

// except adds an exception.
func (s *state) except(x Exception) (uint64, error) {
	if s.sites[x.Account.PBX] == nil {
		return 0, fmt.Errorf("no PBX is called %q", x.Account.PBX)
	}
	s.expireExceptions()
	if len(s.exceptions) >= maxExceptions {
		return 0, fmt.Errorf("there are %d exceptions already", len(s.exceptions))
	}
	x.At = s.now
	s.decide(Decision{Rule: "allow", Reason: x.says(), Action: Note, Enforced: true, PBX: x.Account.PBX, Account: x.Account, Number: x.Number, By: x.By})
	x.ID = s.nextID
	s.exceptions = append(s.exceptions, x)
	s.record(x)
	return x.ID, nil
}

func (x *Exception) says() string {
	what := "calls to " + x.Number
	if x.Number == "" {
		what = fmt.Sprintf("calls to %v", x.Countries)
	}
	return fmt.Sprintf("%s of %s are allowed until %s: %s", what, x.Account.Name, x.Until.Format("2006-01-02 15:04 MST"), x.Reason)
}

func (s *state) expireExceptions() {
	s.exceptions = slices.DeleteFunc(s.exceptions, func(x Exception) bool { return !s.now.Before(x.Until) })
}

// undoFor is how long a number may be called whose call was ended wrongly.
const undoFor = 24 * time.Hour

// undone is what [Engine.Undo] did, for people.
func (s *state) undo(id uint64, by string) (undone string, err error) {
	for i := range s.exceptions {
		if x := &s.exceptions[i]; x.ID == id {
			x.Off, x.Until = true, s.now
			s.record(*x)
			s.decide(Decision{Rule: "undo", Reason: fmt.Sprintf("exception %d is taken back", id), Action: Note, Enforced: true, PBX: x.Account.PBX, Account: x.Account, By: by})
			undone = fmt.Sprintf("extension %s is no exception any more", x.Account.Name)
			s.expireExceptions()
			return undone, nil
		}
	}
	if undone, found, err := s.undoForward(id, by); found {
		return undone, err
	}
	for _, v := range s.verdicts {
		if v.id != id || v.id == 0 {
			continue
		}
		x := Exception{Account: v.account, Number: v.number, Until: s.now.Add(undoFor), By: by, Reason: fmt.Sprintf("decision %d was wrong", id)}
		if acc := s.accounts[v.account]; acc != nil && acc.bar != nil && acc.bar.By == "" {
			b := *acc.bar
			b.By, b.Reason = by, x.Reason
			b.Off = true
			if err := s.barByHand(b); err != nil {
				return "", err
			}
		}
		if v.source.IsValid() {
			s.unmeet(v.account, seenSuspect, network(v.source))
		}
		if v.number == "" {
			return fmt.Sprintf("extension %s may call again", v.account.Name), nil
		}
		n, err := s.except(x)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("extension %s may call %s for a day (exception %d)", v.account.Name, v.number, n), nil
	}
	return "", fmt.Errorf("nothing to undo is numbered %d; \"pbxguard log\" has the numbers", id)
}

// ruled is a call that was ended, as undo wants to know it.
type ruled struct {
	id      uint64
	account Account
	number  string
	source  netip.Addr
}

// maxVerdicts is how many of the latest can be undone.
const maxVerdicts = 1024

// remember keeps a verdict so that it can be undone.
func (s *state) remember(d *Decision) {
	if d.Action < Kill || d.Account.Name == "" || d.Outcome != "" {
		return
	}
	if len(s.verdicts) >= maxVerdicts {
		s.verdicts = s.verdicts[:copy(s.verdicts, s.verdicts[1:])]
	}
	s.verdicts = append(s.verdicts, ruled{d.ID, d.Account, d.Number, d.Source})
}
