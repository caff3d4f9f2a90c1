package history

import (
	"time"

	"pbxguard/guard"
)

// slack is how far two records of one moment may be apart, which are exact to
// the second.
const slack = 2 * time.Second

// transfers finds out from records what became of calls that were transferred.
// Who joins two calls hangs up, and the record of the call that he paid for ends;
// the leg outside talks on, and another record tells how long. And when a phone
// sends its caller to a number, the caller's next record tells of the call to it,
// as if he had placed it.
func transfers(calls []Call, internal func(string) bool) {
	joined := map[string]int{}
	sent := map[string]int{}
	for i := range calls {
		c := &calls[i]
		if c.Out {
			continue
		}
		if c.Joined != "" {
			joined[c.Joined] = i
		}
		if c.From.Leg != "" && c.To.Side == guard.Endpoint && c.To.Account.Name != "" && c.Answer > 0 &&
			c.Dialled != c.To.Account.Name && isNumber(c.Dialled) && internal != nil && !internal(c.Dialled) {
			sent[c.From.Leg] = i
		}
	}
	if len(joined)+len(sent) == 0 {
		return
	}
	for i := range calls {
		c := &calls[i]
		if !c.Out {
			continue
		}
		if j, ok := joined[c.To.Leg]; ok && c.To.Leg != "" {
			c.goOn(&calls[j])
			calls[j].To.Leg = "" // which is this one's
		}
		if j, ok := sent[c.From.Leg]; ok && c.From.Leg != "" {
			if by := &calls[j]; by.Dialled == c.Dialled && near(by.Start.Add(by.End), c.Start) {
				by.Refer, by.Dialled = c.Dialled, by.To.Account.Name // as it was before
			}
		}
	}
}

// goOn makes a call last as long as the one that it was joined with.
func (c *Call) goOn(with *Call) {
	end, until := c.Start.Add(c.End), with.Start.Add(with.End)
	if !until.After(end) || with.Start.After(end.Add(slack)) || with.Answer <= 0 {
		return
	}
	if c.Answer <= 0 {
		c.Answer = max(c.End, time.Millisecond)
	}
	c.End = until.Sub(c.Start)
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= slack }
