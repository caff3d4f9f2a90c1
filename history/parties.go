package history

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk"
	"pbxguard/guard"
	"pbxguard/tabular"
)

// channels finds out who called whom from the names of Asterisk's channels.
func (p *rowReader) channels(row *tabular.Row, c *Call) {
	a, b := p.cell(row, colChannel), p.cell(row, colOther)
	p.scratch = append(append(p.scratch[:0], a...), b...)
	both := string(p.scratch) // one allocation for both names
	c.From = p.party(a, both[:len(a)])
	c.To = p.party(b, both[len(a):])
	if c.To == (Party{}) || string(p.cell(row, colApp)) != "Dial" {
		return
	}
	data := p.cell(row, colData)
	endpoint, number, beyond := asterisk.Called(data)
	if p.at[colDialled] < 0 {
		c.Dialled = p.words.of(number)
	}
	switch {
	case c.To.Side == guard.LocalOne:
		p.looped(c, endpoint)
	case c.To.Side != guard.Endpoint:
	case beyond:
		c.Sent, c.Out = p.words.of(number), true
	case len(endpoint) > 0 && !among(data, c.To.Account.Name):
		// This call did not call that channel: somebody joined it with another.
		c.To, c.Joined = Party{}, c.To.Leg
	}
}

// looped reads a call to a Local channel, which dials a number on its own: the
// dial plan's doing, or, if Dial was told to call a phone, the phone's.
func (p *rowReader) looped(c *Call, phone []byte) {
	number, _, _ := strings.Cut(c.To.Pair, "@")
	if !isNumber(number) {
		return
	}
	c.Sent = p.words.of([]byte(number))
	if len(phone) > 0 {
		c.To.Account, c.Forward = p.account(phone), c.Sent
	}
}

// among says whether Dial was told to call an endpoint. Groups of lines are
// called by other names than their channels have.
func among(data []byte, endpoint string) bool {
	data, _, _ = bytes.Cut(data, []byte(","))
	for target := range bytes.SplitSeq(data, []byte("&")) {
		name, _, _ := asterisk.Called(target)
		if string(name) == endpoint || !bytes.HasPrefix(target, []byte("PJSIP/")) && !bytes.HasPrefix(target, []byte("SIP/")) {
			return true
		}
	}
	return false
}

func (p *rowReader) party(channel []byte, leg string) Party {
	if len(channel) == 0 {
		return Party{}
	}
	endpoint, side, pair := asterisk.Named(channel)
	q := Party{Leg: leg, Side: side, Pair: string(pair)}
	if side == guard.Endpoint && len(endpoint) > 0 {
		q.Account = p.account(endpoint)
	}
	return q
}

// trunkName is what a gateway is called whose name no record tells.
func trunkName(gateway []byte) string {
	if len(gateway) == 0 {
		return "gateway"
	}
	return string(gateway)
}

// isNumber says whether a text could have been dialled.
func isNumber(s string) bool {
	return len(s) > 1 && strings.Trim(s, "+0123456789*#") == ""
}

// where reads where the caller was.
func (p *rowReader) where(row *tabular.Row, c *Call) {
	if text := bytes.TrimSpace(p.cell(row, colSource)); len(text) > 0 {
		if addr, err := netip.ParseAddr(string(text)); err == nil {
			c.Source = addr
		}
	}
	c.Agent = p.words.of(p.cell(row, colAgent))
}

// causes are the Q.850 causes behind the words of call records: Asterisk's
// dispositions and FreeSWITCH's names.
var causes = map[string]int{
	"ANSWERED": 16, "NO ANSWER": 19, "BUSY": 17, "CONGESTION": 34, "FAILED": 38, "CANCEL": 16,
	"NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_USER_RESPONSE": 18, "NO_ANSWER": 19,
	"CALL_REJECTED": 21, "ORIGINATOR_CANCEL": 16, "UNALLOCATED_NUMBER": 1, "NO_ROUTE_DESTINATION": 3,
	"DESTINATION_OUT_OF_ORDER": 27, "INVALID_NUMBER_FORMAT": 28, "NORMAL_UNSPECIFIED": 31,
	"NORMAL_CIRCUIT_CONGESTION": 34, "NETWORK_OUT_OF_ORDER": 38, "NORMAL_TEMPORARY_FAILURE": 41,
	"RECOVERY_ON_TIMER_EXPIRE": 102, "SUBSCRIBER_ABSENT": 20, "INCOMPATIBLE_DESTINATION": 88,
	"OUTGOING_CALL_BARRED": 52, "USER_NOT_REGISTERED": 20, "ATTENDED_TRANSFER": 16, "BLIND_TRANSFER": 16,
}

func (p *rowReader) cause(row *tabular.Row) int {
	if text := p.cell(row, colCause); len(text) > 0 {
		if n, err := strconv.Atoi(string(text)); err == nil && n > 0 && n < 128 {
			return n
		}
	}
	return causes[string(bytes.TrimSpace(p.cell(row, colOutcome)))]
}
