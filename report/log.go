package report

import (
	"bytes"
	"fmt"
	"strings"

	"pbxguard/guard"
)

// Decisions writes verdicts, one a line and in the order given. Its columns
// have fixed widths, so that lines which come later stand under the first.
func (p *Page) Decisions(ds []guard.Decision) error {
	return p.text(func(b *bytes.Buffer) {
		for _, d := range ds {
			word, c := verdict(d)
			line := fmt.Sprintf("%s  %s  %-13s %-18s %-18s %s",
				p.instant(d.At), p.word(word, c, 11), Safe(d.Rule), whom(d), where(d), grounds(d))
			fmt.Fprintln(b, strings.TrimRight(line, " "))
		}
	})
}

// Word says in a word or two what was done, or would have been: "killed",
// "would ban", "alert".
func Word(d guard.Decision) string {
	word, _ := verdict(d)
	return word
}

func verdict(d guard.Decision) (string, shade) {
	banning := d.Call == "" && d.Leg == "" && d.Source.IsValid()
	switch {
	case d.Rule == "unlock":
		return "unlocked", plainly
	case d.Rule == "unban":
		return "unbanned", plainly
	case d.Action == guard.Note:
		return "noted", plainly
	case d.Action == guard.Alert:
		return "alert", yellow
	case d.Action == guard.Allow:
		return "allowed", plainly
	case banning && d.Enforced:
		return "banned", red
	case banning:
		return "would ban", yellow
	case d.Action == guard.Lock && d.Enforced:
		return "locked", red
	case d.Action == guard.Lock:
		return "would lock", yellow
	case d.Enforced:
		return "killed", red
	}
	return "would kill", yellow
}

// whom says whom a decision is about.
func whom(d guard.Decision) string {
	if d.Account.Name == "" {
		return or(Safe(d.PBX))
	}
	return Safe(d.Account.String())
}

// where says which number or address a decision is about.
func where(d guard.Decision) string {
	switch {
	case d.Number != "":
		return strings.TrimSpace(Safe(d.Number) + " " + Safe(d.Country))
	case d.Dialled != "":
		return Safe(d.Dialled)
	case d.Source.IsValid():
		return Safe(d.Source.String())
	}
	return "-"
}

// grounds says why, how it ended and who was behind it.
func grounds(d guard.Decision) string {
	var b strings.Builder
	b.WriteString(Safe(d.Reason))
	if d.Outcome != "" {
		fmt.Fprintf(&b, " [%s", Safe(d.Outcome))
		if d.After > 0 {
			fmt.Fprintf(&b, " after %s", span(d.After))
		}
		b.WriteByte(']')
	}
	if d.By != "" && !strings.Contains(d.Reason, d.By) {
		fmt.Fprintf(&b, " (by %s)", Safe(d.By))
	}
	return b.String()
}
