package history

import (
	"bytes"
	"strings"

	"pbxguard/tabular"
)

// switched says whether a channel's name is one of FreeSWITCH's.
func switched(channel []byte) bool {
	return bytes.HasPrefix(channel, []byte("sofia/")) || bytes.HasPrefix(channel, []byte("loopback/"))
}

// parties finds out who called whom from a record of FreeSWITCH's: the caller is
// who has proved a password, or else whom the dial plan charges.
func (p *rowReader) parties(row *tabular.Row, c *Call) {
	who, shown := p.cell(row, colAccount), p.cell(row, colFrom)
	inbound := c.Context == "public"
	if len(who) == 0 && !inbound {
		// A caller whose number is none of the PBX's own came in from outside,
		// and may have been sent on. The word inbound is no proof: to FreeSWITCH
		// every caller is.
		who = shown
		inbound = p.src.Internal != nil && !p.src.Internal(string(shown)) || p.src.Internal == nil && string(p.cell(row, colDirection)) == "inbound"
	}
	gateway := p.cell(row, colGateway)
	switch {
	case inbound:
		c.From.Account, c.From.Outside = p.account([]byte(trunkName(gateway))), true
	case len(who) > 0:
		c.From.Account = p.account(who)
		c.From.Account.Domain = p.words.of(p.cell(row, colDomain))
	}
	c.From.Leg = c.ID
	other := string(p.cell(row, colOtherID))
	if to, number, out, known := reached(p.cell(row, colData), p.cell(row, colOther)); known {
		p.arrived(c, to, number, other, out)
		return
	}
	if app := p.cell(row, colApp); len(app) > 0 && string(app) != "bridge" && len(other)+len(p.cell(row, colOther)) == 0 {
		return // a menu, a mailbox: the PBX itself
	}
	bridged := len(other) > 0 || c.Answer > 0
	outside := p.src.Internal == nil || !p.src.Internal(c.Dialled)
	switch {
	case c.Context == "public" || !bridged && c.Cause != 0 && !outside:
	case outside && isNumber(c.Dialled):
		c.To = Party{Account: p.account([]byte(trunkName(gateway))), Leg: other}
		c.Out = true
	case !outside:
		c.To, c.Joined = Party{Account: p.account([]byte(c.Dialled)), Leg: other}, other
	}
}

// arrived notes where a bridge of FreeSWITCH led.
func (p *rowReader) arrived(c *Call, to, number, leg string, out bool) {
	switch {
	case out:
		c.To, c.Sent, c.Out = Party{Account: p.account([]byte(trunkName([]byte(to)))), Leg: leg}, p.words.of([]byte(number)), true
	case to != "":
		c.To, c.Joined = Party{Account: p.account([]byte(to)), Leg: leg}, leg
	}
}

// reached reads where FreeSWITCH's application bridge led: from what it was told
// to call, such as {a=b}sofia/gateway/trunk/0205550123, and the name of the
// channel that came of it. known is false if neither tells.
func reached(arg, channel []byte) (to, number string, out, known bool) {
	target := string(arg)
	for target != "" && strings.ContainsRune("{[<", rune(target[0])) {
		_, rest, ok := strings.Cut(target, map[byte]string{'{': "}", '[': "]", '<': ">"}[target[0]])
		if !ok {
			return "", "", false, false
		}
		target = rest
	}
	target, _, _ = strings.Cut(target, "|")
	target, _, _ = strings.Cut(target, ",")
	kind, rest, _ := strings.Cut(target, "/")
	switch kind {
	case "user", "group":
		user, _, _ := strings.Cut(rest, "@")
		return user, user, false, true
	case "loopback", "verto", "rtc", "error":
		return "", "", false, true
	case "sofia":
	default:
		return "", "", false, false
	}
	if !bytes.HasPrefix(channel, []byte("sofia/")) && len(channel) > 0 {
		return "", "", false, true
	}
	profile, rest, _ := strings.Cut(rest, "/")
	if profile == "gateway" {
		name, number, ok := strings.Cut(rest, "/")
		return name, number, ok, true
	}
	user, host, _ := strings.Cut(strings.TrimPrefix(rest, "sip:"), "@")
	if strings.Contains(profile, "internal") || host == "" && strings.Contains(rest, "%") {
		return user, user, false, true
	}
	return profile, user, isNumber(user), true
}
