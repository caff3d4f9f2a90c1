package guard

import (
	"fmt"
	"strings"
	"time"
)

// duration ends a call that has been up too long, while it is up.
var duration = rule{
	doc: doc{
		id: "duration", number: "R-023", about: aboutVolume, star: true, table: true,
		title: "one call that lasts too long",
		why:   "fraud likes long calls, and a call nobody hung up costs as much",
	},
	when:   whileUp,
	action: func(_ *state, l *Limits, _ *attempt) Action { return l.Duration.Action },
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
	near: func(s *state, l *Limits, a *attempt) int {
		if a.answered.IsZero() {
			return 0
		}
		return percent(s.now.Sub(a.answered), l.Duration.Max)
	},
}

// minutesHour and minutesDay count what an account talks, running calls included.

var minutesHour = rule{
	doc: doc{
		id: "minutes-hour", number: "R-025", about: aboutVolume, table: true,
		title: "talk time of one extension within an hour",
		why:   "without a rate deck time is what money is counted in",
	},
	when:   whenPlaced | whileUp,
	action: func(s *state, l *Limits, a *attempt) Action { return s.atHome(a, l.MinutesHour.Action) },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.talkOf(a).hour() > l.MinutesHour.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s talked %s outside within an hour; %s is allowed",
			a.who(), short(s.talkOf(a).hour()), short(l.MinutesHour.Max))
	},
}

var minutesDay = rule{
	doc: doc{
		id: "minutes-day", number: "R-025", about: aboutVolume, table: true,
		title: "talk time of one extension within a day",
		why:   "without a rate deck time is what money is counted in",
	},
	when:   whenPlaced | whileUp,
	action: func(s *state, l *Limits, a *attempt) Action { return s.atHome(a, l.MinutesDay.Action) },
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
