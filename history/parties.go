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
	_, number, beyond := asterisk.Called(p.cell(row, colData))
	if c.To.Side == guard.Endpoint && beyond {
		c.Sent, c.Out = p.words.of(number), true
	}
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

// parties does the same for records that name no channels, so FreeSWITCH's: the
// caller is who has proved a password, or else whom the dial plan charges.
func (p *rowReader) parties(row *tabular.Row, c *Call) {
	inbound := string(p.cell(row, colDirection)) == "inbound" || c.Context == "public"
	who := p.cell(row, colAccount)
	if len(who) == 0 && !inbound {
		who = p.cell(row, colFrom)
	}
	gateway := p.cell(row, colGateway)
	switch {
	case inbound:
		c.From.Account = p.account([]byte(trunkName(gateway)))
	case len(who) > 0:
		c.From.Account = p.account(who)
		c.From.Account.Domain = p.words.of(p.cell(row, colDomain))
	}
	c.From.Leg = c.ID
	bridged := len(p.cell(row, colOtherID)) > 0 || c.Answer > 0
	outside := p.src.Internal == nil || !p.src.Internal(c.Dialled)
	switch {
	case inbound || !bridged && c.Cause != 0 && !outside:
	case outside && isNumber(c.Dialled):
		c.To = Party{Account: p.account([]byte(trunkName(gateway))), Leg: string(p.cell(row, colOtherID))}
		c.Out = true
	case !outside:
		c.To = Party{Account: p.account([]byte(c.Dialled)), Leg: string(p.cell(row, colOtherID))}
	}
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
	if addr, err := netip.ParseAddr(string(bytes.TrimSpace(p.cell(row, colSource)))); err == nil {
		c.Source = addr
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
	if n, err := strconv.Atoi(string(p.cell(row, colCause))); err == nil && n > 0 && n < 128 {
		return n
	}
	return causes[string(bytes.TrimSpace(p.cell(row, colOutcome)))]
}
