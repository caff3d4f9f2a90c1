package guard

import (
	"fmt"
	"time"
)

// duration ends a call that has been up too long, while it is up.
var duration = rule{
	id:     "duration",
	title:  "one call that lasts too long",
	when:   whileUp,
	action: func(l *Limits, _ *attempt) Action { return l.Duration.Action },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return !a.answered.IsZero() && s.now.Sub(a.answered) > l.Duration.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		var up time.Duration
		if !a.answered.IsZero() {
			up = s.now.Sub(a.answered)
		}
		return fmt.Sprintf("call of %s to %s is up for %v; %v are allowed", a.who(), a.shown(), up.Round(time.Second), l.Duration.Max)
	},
}

// minutesHour and minutesDay count what an account talks, running calls included.

var minutesHour = rule{
	id:     "minutes-hour",
	title:  "talk time of one extension within an hour",
	when:   whenPlaced | whileUp,
	action: func(l *Limits, _ *attempt) Action { return l.MinutesHour.Action },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.talkOf(a).hour() > l.MinutesHour.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s talked %v outside within an hour; %v are allowed",
			a.who(), s.talkOf(a).hour().Round(time.Second), l.MinutesHour.Max)
	},
}

var minutesDay = rule{
	id:     "minutes-day",
	title:  "talk time of one extension within a day",
	when:   whenPlaced | whileUp,
	action: func(l *Limits, _ *attempt) Action { return l.MinutesDay.Action },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.talkOf(a).today > l.MinutesDay.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s talked %v outside today; %v are allowed",
			a.who(), s.talkOf(a).today.Round(time.Second), l.MinutesDay.Max)
	},
}

// talkOf is the payer's talk time, brought up to now.
func (s *state) talkOf(a *attempt) *talk {
	a.payer.talk.roll(s.moment(s.now, a.site.zone()))
	return &a.payer.talk
}
