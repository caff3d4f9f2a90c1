package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pbxguard/guard"
)

// Incident is what happened to one account, or from one address.
type Incident struct {
	ID       uint64         `json:"id"` // of its first verdict
	PBX      string         `json:"pbx"`
	Account  string         `json:"account,omitempty"`
	Source   string         `json:"source,omitempty"`
	First    time.Time      `json:"first"`
	Last     time.Time      `json:"last"`
	Verdicts int            `json:"verdicts"`
	Action   guard.Action   `json:"action"`   // the strongest that was asked for
	Enforced bool           `json:"enforced"` // and carried out
	Rules    map[string]int `json:"rules"`
	Reasons  []string       `json:"reasons"` // the first few different ones
	Numbers  []string       `json:"numbers,omitempty"`
	Message  int            `json:"message"` // 1 is the first about this incident

	opened, latest time.Time // as the notifier's clock has it
	sent           time.Time // zero: not yet
	fresh          int       // verdicts that no message has told
}

// Bounds of an incident, and of how many there are at once.
const (
	maxReasons   = 10
	maxIncidents = 500
	quiet        = time.Hour // without a verdict ends an incident
)

// grouper makes incidents of verdicts.
type grouper struct {
	opt   Options
	open  map[string]*Incident
	sends []time.Time // of the last hour
	held  int         // incidents whose message the hour's limit keeps back
	told  bool        // of which somebody has been told
}

func newGrouper(opt Options) *grouper { return &grouper{opt: opt, open: map[string]*Incident{}} }

// add puts a verdict to its incident.
func (g *grouper) add(d *guard.Decision, now time.Time) {
	key := "pbx " + d.PBX
	switch {
	case d.Account.Name != "":
		key = d.Account.String()
	case d.Source.IsValid():
		key = d.Source.String()
	}
	in := g.open[key]
	if in == nil && len(g.open) >= maxIncidents {
		key = "many"
		in = g.open[key]
	}
	if in == nil {
		in = &Incident{ID: d.ID, PBX: d.PBX, First: d.At, opened: now, Rules: map[string]int{}}
		if key != "many" {
			in.Account = d.Account.Name
		}
		g.open[key] = in
	}
	in.Last, in.latest = d.At, now
	in.Verdicts, in.fresh = in.Verdicts+1, in.fresh+1
	if d.Action >= in.Action {
		in.Enforced = in.Enforced && d.Action == in.Action || d.Enforced
		in.Action = d.Action
	}
	in.Rules[d.Rule]++
	if d.Source.IsValid() {
		in.Source = d.Source.String()
	}
	reason := d.Reason
	if d.Outcome == "unconfirmed" {
		reason = "a call could not be ended: " + reason
	}
	in.Reasons = note(in.Reasons, reason)
	in.Numbers = note(in.Numbers, cmp.Or(d.Number, d.Dialled))
}

// note adds what is not there yet to a list of limited length.
func note(list []string, s string) []string {
	if s == "" || len(list) >= maxReasons || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// due returns the messages whose time has come. unheard is how many verdicts
// came too fast to be heard.
func (g *grouper) due(now time.Time, unheard int) (messages []*Message) {
	if unheard > 0 {
		messages = append(messages, g.about("verdicts are missing", fmt.Sprintf("%d verdicts came too fast to be told; pbxguard log has them.\n", unheard)))
	}
	for _, key := range slices.Sorted(maps.Keys(g.open)) {
		in := g.open[key]
		switch {
		case in.fresh == 0:
			if now.Sub(in.sent) > quiet && now.Sub(in.latest) > quiet {
				delete(g.open, key)
			}
		case in.sent.IsZero() && now.Sub(in.opened) < g.opt.Wait:
		case !in.sent.IsZero() && now.Sub(in.sent) < g.opt.Every:
		case g.spend(now):
			messages = append(messages, g.message(in, now))
		}
	}
	return append(messages, g.heldBack(now)...)
}

// rest returns what is still to be told at the end.
func (g *grouper) rest(now time.Time) (messages []*Message) {
	for _, key := range slices.Sorted(maps.Keys(g.open)) {
		if in := g.open[key]; in.fresh > 0 && g.spend(now) {
			messages = append(messages, g.message(in, now))
		}
	}
	return messages
}

// spend says whether this hour has room for one more message.
func (g *grouper) spend(now time.Time) bool {
	for len(g.sends) > 0 && now.Sub(g.sends[0]) >= time.Hour {
		g.sends = g.sends[1:]
	}
	if len(g.sends) >= g.opt.Hourly {
		g.held++
		return false
	}
	g.sends = append(g.sends, now)
	return true
}

// heldBack tells once that the hour's limit is reached.
func (g *grouper) heldBack(now time.Time) []*Message {
	held := g.held
	g.held = 0
	if held == 0 {
		g.told = false
		return nil
	}
	if g.told {
		return nil
	}
	g.told = true
	text := fmt.Sprintf("%d messages were sent within the hour, which is the limit; %d incidents wait.\nSee: pbxguard log\n", len(g.sends), held)
	return []*Message{g.about("messages are held back", text)}
}

func (g *grouper) about(what, text string) *Message {
	return &Message{Subject: "pbxguard on " + g.opt.Host + ": " + what, Text: text}
}

// message tells an incident, as it is now.
func (g *grouper) message(in *Incident, now time.Time) *Message {
	in.sent, in.fresh = now, 0
	in.Message++
	told := *in
	told.Rules = maps.Clone(in.Rules)
	told.Reasons, told.Numbers = slices.Clone(in.Reasons), slices.Clone(in.Numbers)
	safe := g.opt.Safe
	who := cmp.Or(told.Account, told.Source, "several")
	done := "would have been " + past(told.Action)
	if told.Enforced {
		done = past(told.Action)
	}
	if told.Action <= guard.Alert {
		done = "reported"
	}
	var b strings.Builder
	again := ""
	if told.Message > 1 {
		again = fmt.Sprintf(" (message %d)", told.Message)
	}
	fmt.Fprintf(&b, "PBX %s, %s: %s%s\n\n", told.PBX, safe(who), done, again)
	for _, r := range told.Reasons {
		fmt.Fprintf(&b, "- %s\n", safe(r))
	}
	fmt.Fprintf(&b, "\n%d verdicts from %s to %s", told.Verdicts, told.First.Format(time.DateTime), told.Last.Format(time.DateTime))
	if told.Source != "" {
		fmt.Fprintf(&b, ", the latest from %s", told.Source)
	}
	fmt.Fprintf(&b, "\nSee: pbxguard incidents %d\n", told.ID)
	subject := fmt.Sprintf("pbxguard on %s: %s %s: %s", g.opt.Host, told.PBX, safe(who), done)
	return &Message{Subject: subject, Text: b.String(), Incident: &told}
}

func past(a guard.Action) string {
	switch a {
	case guard.Kill:
		return "ended"
	case guard.Lock:
		return "ended and locked"
	}
	return "reported"
}
