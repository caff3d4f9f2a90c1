package freeswitch

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// maxOrders bounds the orders that wait to be written, and the answers that are
// waited for. An account's calls are ended all at once, so it is well above what
// one account has.
const maxOrders = 4096

// order is the end of a leg or, without one, a beat of the gate's heart.
type order struct {
	leg   guard.LegID
	cause int       // Q.850; 0: FreeSWITCH's own choice
	until time.Time // of a beat
	at    time.Time // when it was given
}

// kills is the duty of the connection that ends calls. Answers carry no id and
// come in the order of the commands, so what was sent is remembered until it is
// answered.
type kills struct {
	pbx    *PBX
	orders chan order

	mu   sync.Mutex
	sent []question // not yet answered, the oldest first
}

// question is a command whose answer is waited for.
type question struct {
	leg  guard.LegID // to be ended
	beat bool
}

// order queues an order and says whether there was room.
func (k *kills) order(o order) bool {
	select {
	case k.orders <- o:
		return true
	default:
		return false
	}
}

func (*kills) begin(*conn) error { return nil }

func (k *kills) joined(*session) {}

// left: what was sent and not answered may or may not have been done. The engine
// orders it again.
func (k *kills) left(*session, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = nil
}

// take reads the answer to the oldest command that has none.
func (k *kills) take(s *session, f *frame) error {
	if kind := f.kind(); kind != apiFrame && kind != replyFrame {
		return nil
	}
	k.mu.Lock()
	if len(k.sent) == 0 {
		k.mu.Unlock()
		return errors.New("FreeSWITCH answers what was not asked")
	}
	asked := k.sent[0]
	k.sent = k.sent[1:]
	k.mu.Unlock()
	leg := asked.leg
	switch answer := string(f.answer()); {
	case f.ok(), leg == "" && !asked.beat:
	case asked.beat:
		if s.refusals.Allow(k.pbx.options.Now()) {
			s.link.log.Error("FreeSWITCH is not told that the gate is there", "answer", wire.Printed([]byte(answer)),
				"hint", "mod_hash must be loaded, and esl-allowed-api of the user must name hash")
		}
	case answer == "-ERR No such channel!":
		k.pbx.events.Put(&guard.Event{Kind: guard.HangupRefused, PBX: k.pbx.options.Name, At: k.pbx.options.Now(), Leg: leg})
	default:
		s.link.log.Error("FreeSWITCH refuses to end a call", "leg", leg, "answer", wire.Printed([]byte(answer)),
			"hint", "esl-allowed-api of the user must name uuid_kill")
	}
	return nil
}

// write sends what is ordered, and keepalives.
func (k *kills) write(s *session) error {
	ping := time.NewTicker(k.pbx.timing.ping)
	defer ping.Stop()
	buf := make([]byte, 0, 4096)
	for {
		buf = buf[:0]
		hangups := 0
		select {
		case o := <-k.orders:
			buf, hangups = k.collect(buf, o)
		case <-ping.C:
			buf = k.append(buf, question{}, keepalive)
		case <-s.quit:
			return nil
		}
		if len(buf) == 0 {
			continue
		}
		if err := s.send(buf); err != nil {
			return err
		}
		s.link.Count(func(c *LinkStatus) { c.Hangups += uint64(hangups) })
	}
}

// collect appends an order, and those that wait behind it up to 32 KB. An order
// that has waited for a connection too long is left out: the engine has given it
// again since.
func (k *kills) collect(buf []byte, o order) (out []byte, hangups int) {
	for {
		switch {
		case time.Since(o.at) >= k.pbx.timing.stale:
		case o.leg == "":
			buf = k.append(buf, question{beat: true}, beatCommand(o.until))
		default:
			hangups++
			buf = k.append(buf, question{leg: o.leg}, killCommand(o.leg, o.cause))
		}
		if len(buf) > 32<<10 {
			return buf, hangups
		}
		select {
		case o = <-k.orders:
		default:
			return buf, hangups
		}
	}
}

// append appends a command and notes what its answer will be about.
func (k *kills) append(buf []byte, q question, command []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, q)
	return append(buf, command...)
}

// killCommand ends a leg, whose id has been checked.
func killCommand(leg guard.LegID, cause int) []byte {
	b := append([]byte("api uuid_kill "), leg...)
	if name := causes[cause]; name != "" {
		b = append(append(b, ' '), name...)
	}
	return append(b, "\n\n"...)
}

// beatCommand writes until when the gate may be asked where the dial plan reads
// it: into mod_hash, as seconds since 1970. The zero time is in the past.
func beatCommand(until time.Time) []byte {
	at := int64(0)
	if !until.IsZero() {
		at = until.Unix()
	}
	return append(strconv.AppendInt([]byte("api hash insert/pbxguard/until/"), at, 10), "\n\n"...)
}

// causes are FreeSWITCH's names of Q.850 causes, as uuid_kill takes them
// (switch_channel.c, CAUSE_CHART). A cause that is not here is left to FreeSWITCH.
var causes = map[int]string{
	1: "UNALLOCATED_NUMBER", 2: "NO_ROUTE_TRANSIT_NET", 3: "NO_ROUTE_DESTINATION", 6: "CHANNEL_UNACCEPTABLE",
	7: "CALL_AWARDED_DELIVERED", 16: "NORMAL_CLEARING", 17: "USER_BUSY", 18: "NO_USER_RESPONSE", 19: "NO_ANSWER",
	20: "SUBSCRIBER_ABSENT", 21: "CALL_REJECTED", 22: "NUMBER_CHANGED", 23: "REDIRECTION_TO_NEW_DESTINATION",
	25: "EXCHANGE_ROUTING_ERROR", 27: "DESTINATION_OUT_OF_ORDER", 28: "INVALID_NUMBER_FORMAT", 29: "FACILITY_REJECTED",
	30: "RESPONSE_TO_STATUS_ENQUIRY", 31: "NORMAL_UNSPECIFIED", 34: "NORMAL_CIRCUIT_CONGESTION", 38: "NETWORK_OUT_OF_ORDER",
	41: "NORMAL_TEMPORARY_FAILURE", 42: "SWITCH_CONGESTION", 43: "ACCESS_INFO_DISCARDED", 44: "REQUESTED_CHAN_UNAVAIL",
	45: "PRE_EMPTED", 50: "FACILITY_NOT_SUBSCRIBED", 52: "OUTGOING_CALL_BARRED", 54: "INCOMING_CALL_BARRED",
	57: "BEARERCAPABILITY_NOTAUTH", 58: "BEARERCAPABILITY_NOTAVAIL", 63: "SERVICE_UNAVAILABLE", 65: "BEARERCAPABILITY_NOTIMPL",
	66: "CHAN_NOT_IMPLEMENTED", 69: "FACILITY_NOT_IMPLEMENTED", 79: "SERVICE_NOT_IMPLEMENTED", 81: "INVALID_CALL_REFERENCE",
	88: "INCOMPATIBLE_DESTINATION", 95: "INVALID_MSG_UNSPECIFIED", 96: "MANDATORY_IE_MISSING", 97: "MESSAGE_TYPE_NONEXIST",
	98: "WRONG_MESSAGE", 99: "IE_NONEXIST", 100: "INVALID_IE_CONTENTS", 101: "WRONG_CALL_STATE",
	102: "RECOVERY_ON_TIMER_EXPIRE", 103: "MANDATORY_IE_LENGTH_ERROR", 111: "PROTOCOL_ERROR", 127: "INTERWORKING",
}
