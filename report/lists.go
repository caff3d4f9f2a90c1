package report

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
)

// Calls writes the calls in progress as a table.
func (p *Page) Calls(calls []guard.LiveCall) error {
	head := []string{"ID", "ACCOUNT", "DIRECTION", "NUMBER", "COUNTRY", "CLASS", "AGE", "TALKING", "TRUNK", "VIA", "SOURCE"}
	rows := make([][]string, 0, len(calls))
	for _, c := range calls {
		talking, source := "-", "-"
		if c.Talking > 0 {
			talking = span(c.Talking)
		}
		if c.Source.IsValid() {
			source = Safe(c.Source.String())
		}
		number := c.Number
		if number == "" {
			number = c.Dialled
		}
		class := Safe(c.Class)
		if c.Emergency {
			class = "emergency"
		}
		if c.Killing {
			class += " (being killed)"
		}
		rows = append(rows, []string{
			or(Safe(string(c.Leg))), Safe(c.Payer.String()), or(Safe(c.Direction)), or(Safe(number)), or(Safe(c.Country)),
			or(class), span(c.Age), talking, or(Safe(c.Trunk)), or(Safe(c.Via)), source,
		})
	}
	return p.text(func(b *bytes.Buffer) { table(b, head, rows) })
}

// Bans writes banned prefixes as a table.
func (p *Page) Bans(bans []guard.Ban) error {
	head := []string{"PREFIX", "SINCE", "LEFT", "TIMES", "RULE", "BY", "REASON"}
	rows := make([][]string, 0, len(bans))
	for _, ban := range bans {
		left := "until lifted"
		if !ban.Until.IsZero() {
			left = span(max(0, ban.Until.Sub(p.Now)).Round(time.Second))
		}
		if !ban.Enforced {
			left = "not enforced"
		}
		rows = append(rows, []string{
			Prefix(ban), p.instant(ban.Since), left, strconv.Itoa(ban.Times),
			or(Safe(ban.Rule)), or(Safe(ban.By)), Safe(ban.Reason),
		})
	}
	return p.text(func(b *bytes.Buffer) { table(b, head, rows) })
}

// Prefix writes what is banned as one would type it: a single address without
// its length.
func Prefix(b guard.Ban) string {
	if b.Prefix.IsSingleIP() {
		return b.Prefix.Addr().String()
	}
	return b.Prefix.String()
}

// Explain writes what the guard would do with a call, and what each rule says.
func (p *Page) Explain(a guard.Answer) error {
	return p.text(func(b *bytes.Buffer) {
		fmt.Fprintf(b, "%s dials %s on %s\n", Safe(a.Account.String()), Safe(a.Dialled), a.At.Format("Mon 2006-01-02 15:04 MST"))
		fmt.Fprintf(b, "number   %s", or(Safe(a.Number)))
		for _, s := range []string{a.Country, a.Class, a.Kind, a.Flags} {
			if s != "" {
				fmt.Fprintf(b, ", %s", Safe(s))
			}
		}
		fmt.Fprintf(b, "\ngroup    %s\nverdict  %s\n\n", or(Safe(a.Group)), p.word(Safe(a.Verdict), gravity(a.Verdict), 0))
		rows := make([][]string, 0, len(a.Findings))
		for _, f := range a.Findings {
			hit, mode := "-", "-"
			if f.Hit {
				hit, mode = "hit", "observed"
			}
			if f.Hit && f.Enforced {
				mode = "enforced"
			}
			rows = append(rows, []string{Safe(f.Rule), hit, f.Action.String(), mode, Safe(f.Reason)})
		}
		table(b, []string{"RULE", "HIT", "ACTION", "MODE", "WHY"}, rows)
	})
}

func gravity(verdict string) shade {
	switch verdict {
	case "kill", "lock":
		return red
	case "alert", "observe":
		return yellow
	}
	return green
}

// Checks writes what was looked at, one a line, each failure with what mends it.
func (p *Page) Checks(checks []control.Check) error {
	return p.text(func(b *bytes.Buffer) {
		for _, c := range checks {
			p.check(b, c)
		}
	})
}

func (p *Page) check(b *bytes.Buffer, c control.Check) {
	shades := map[control.Result]shade{control.OK: green, control.Warning: yellow, control.Failed: red}
	fmt.Fprintf(b, "%s  %-14s %s\n", p.word(Safe(string(c.Result)), shades[c.Result], 7), Safe(c.Name), Safe(c.Detail))
	if c.Fix != "" {
		fmt.Fprintf(b, "%9s-> %s\n", "", Safe(c.Fix))
	}
}
