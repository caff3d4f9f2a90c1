package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
)

// Status writes what the daemon is doing and what is wrong with it, the most
// important first.
func (p *Page) Status(st control.Status) error {
	return p.text(func(b *bytes.Buffer) {
		p.headline(b, st)
		p.sites(b, st)
		p.totals(b, st)
		for _, l := range st.Engine.Locks {
			fmt.Fprintf(b, "LOCK  %s since %s%s: %s\n", Safe(l.Account.String()), p.instant(l.At), p.until(l), Safe(l.Reason))
		}
		for _, g := range st.Gaps {
			fmt.Fprintf(b, "%s   %s not seen for %s until %s: %s\n",
				p.word("GAP", yellow, 0), Safe(g.PBX), span(g.To.Sub(g.From)), p.instant(g.To), Safe(g.Reason))
		}
		for _, c := range st.Problems {
			p.check(b, c)
		}
	})
}

// headline is the answer to "am I safe?" in a line.
func (p *Page) headline(b *bytes.Buffer, st control.Status) {
	word, c := "OBSERVING", yellow
	e := st.Engine
	switch {
	case blind(st):
		word, c = "BLIND", red
	case e.CallsMode == guard.Enforce && e.BansMode == guard.Enforce:
		word, c = "PROTECTED", green
	case e.CallsMode == guard.Enforce || e.BansMode == guard.Enforce:
		word = "PARTLY PROTECTED"
	}
	b.WriteString(p.word(word, c, 0))
	if n := len(st.Gaps); n > 0 {
		fmt.Fprintf(b, " (%s)", count(n, "gap", "gaps"))
	}
	fmt.Fprintf(b, "   calls: %s, bans: %s; for %s\n", e.CallsMode, e.BansMode, span(p.Now.Sub(e.Since)))
	if e.CallsMode == guard.Observe {
		fmt.Fprintf(b, "observing: %s would have been killed in the last 24 h\n", calls(st.Day.WouldKill))
	}
	if e.BansMode == guard.Observe {
		fmt.Fprintf(b, "observing: %s would have been banned in the last 24 h\n", addresses(st.Day.WouldBan))
	}
}

func calls(n int) string     { return count(n, "call", "calls") }
func addresses(n int) string { return count(n, "address", "addresses") }

// blind tells whether no PBX at all can be seen.
func blind(st control.Status) bool {
	for _, s := range st.Engine.Sites {
		if s.Connected {
			return false
		}
	}
	return true
}

// sites writes a line for each PBX.
func (p *Page) sites(b *bytes.Buffer, st control.Status) {
	if len(st.PBXs) == 0 {
		return
	}
	seen := map[string]guard.SiteStatus{}
	for _, s := range st.Engine.Sites {
		seen[s.PBX] = s
	}
	rows := make([][]string, 0, len(st.PBXs))
	for _, pbx := range st.PBXs {
		up := 0
		for _, l := range pbx.Links {
			if l.State == control.Connected {
				up++
			}
		}
		s, last := seen[pbx.Name], "never"
		if !s.LastEvent.IsZero() {
			last = span(max(0, p.Now.Sub(s.LastEvent))) + " ago"
		}
		rows = append(rows, []string{
			Safe(pbx.Name), fmt.Sprintf("%d/%d", up, len(pbx.Links)), or(Safe(pbx.Version)), last,
			strconv.Itoa(s.Legs), strconv.Itoa(s.TrunkLegs),
		})
	}
	b.WriteByte('\n')
	table(b, []string{"PBX", "LINKS", "VERSION", "LAST EVENT", "LEGS", "TRUNK LEGS"}, rows)
	b.WriteByte('\n')
}

// gate writes where the PBX asks before calls leave, and what came of it.
func gate(b *bytes.Buffer, g *control.Gate) {
	if g == nil {
		return
	}
	var at []string
	for _, l := range g.Listeners {
		if l.Listening {
			at = append(at, Safe(l.Address))
		}
	}
	fmt.Fprintf(b, "Gate at %s: %d asked, %d denied; the slowest answer took %s\n",
		or(strings.Join(at, ", ")), g.Asked, g.Denied, g.Slowest.Round(10*time.Microsecond))
}

// totals writes what goes on now and what was done.
func (p *Page) totals(b *bytes.Buffer, st control.Status) {
	e := st.Engine
	fmt.Fprintf(b, "Now %s out, %s, %s (firewall: %s)\n",
		calls(e.Calls), count(e.Bans, "ban", "bans"), count(len(e.Locks), "lock", "locks"), or(Safe(st.Firewall.Mode)))
	fmt.Fprintf(b, "In 24 h %s killed, %s banned; since the start %d of %d kills confirmed\n",
		calls(st.Day.Killed), addresses(st.Day.Banned), e.Confirmed, e.Kills)
	gate(b, st.Gate)
	if e.Learning {
		fmt.Fprintf(b, "Learning who is honest: watched for %s; addresses with a success behind them get alerts, not bans\n", span(e.Watched))
	}
	if n := len(e.Unknown); n > 0 {
		names := make([]string, n)
		for i, s := range e.Unknown {
			names[i] = Safe(s)
		}
		fmt.Fprintf(b, "Neither phone nor trunk as far as is known: %s\n", strings.Join(names, ", "))
	}
}

func (p *Page) until(l guard.Bar) string {
	if l.Until.IsZero() {
		return ""
	}
	return " until " + p.instant(l.Until)
}
