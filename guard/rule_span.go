package guard

import (
	"fmt"
	"strings"
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
		return fmt.Sprintf("call of %s to %s is up for %s; %s is allowed", a.who(), a.shown(), short(up), short(l.Duration.Max))
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
		return fmt.Sprintf("%s talked %s outside within an hour; %s is allowed",
			a.who(), short(s.talkOf(a).hour()), short(l.MinutesHour.Max))
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
		return fmt.Sprintf("%s talked %s outside today; %s is allowed",
			a.who(), short(s.talkOf(a).today), short(l.MinutesDay.Max))
	},
}

// short writes a duration to the second, without the zeros at its end: 2h, 1h30m, 45s.
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// talkOf is the payer's talk time, brought up to now.
func (s *state) talkOf(a *attempt) *talk {
	a.payer.talk.roll(s.moment(s.now, a.site.zone()))
	return &a.payer.talk
}
