package asterisk

import (
	"fmt"
	"time"
)

// maxOrders bounds the orders that wait to be written. An account's calls are
// ended all at once, so it is well above what one account has.
const maxOrders = 4096

// What the rest of an ActionID, behind the nonce, says of the action.
const (
	pingMark   = "p"
	statusMark = "s"
	hangupMark = "h" // the leg follows
	beatMark   = "b"
)

// order is something to be sent: the end of a leg, a beat of the gate's heart or,
// without either, the question for the list of legs.
type order struct {
	leg   string
	cause int
	beat  bool
	until time.Time
}

// order queues an order and says whether there was room.
func (s *session) order(o order) bool {
	select {
	case s.orders <- o:
		return true
	default:
		return false
	}
}

// write sends what is ordered, and keepalives.
func (s *session) write() {
	ping := time.NewTicker(s.link.pbx.timing.ping)
	defer ping.Stop()
	buf := make([]byte, 0, 4096)
	for {
		hangups := 0
		buf = buf[:0]
		select {
		case o := <-s.orders:
			buf, hangups = s.collect(buf, o)
		case <-ping.C:
			buf = s.append(buf, pingAction, pingMark)
		case <-s.quit:
			return
		}
		if err := s.send(buf); err != nil {
			s.Fail(fmt.Errorf("cannot write to Asterisk: %w", err))
			return
		}
		s.link.Count(func(c *LinkStatus) { c.Hangups += uint64(hangups) })
	}
}

// collect appends an order, and those that wait behind it up to 32 KB.
func (s *session) collect(buf []byte, o order) (out []byte, hangups int) {
	for {
		switch {
		case o.beat:
			buf = s.append(buf, func(buf []byte, id string) ([]byte, error) {
				return beatAction(buf, id, o.until)
			}, beatMark)
		case o.leg == "":
			buf = s.append(buf, statusAction, statusMark)
		default:
			hangups++
			buf = s.append(buf, func(buf []byte, id string) ([]byte, error) {
				return hangupAction(buf, id, o.leg, o.cause)
			}, hangupMark+o.leg)
		}
		if len(buf) > 32<<10 {
			return buf, hangups
		}
		select {
		case o = <-s.orders:
		default:
			return buf, hangups
		}
	}
}

// append appends an action, which was checked before it was queued.
func (s *session) append(buf []byte, act func([]byte, string) ([]byte, error), mark string) []byte {
	buf, err := act(buf, s.translator.nonce+mark)
	if err != nil {
		s.link.log.Error("an order was not sent", "error", err)
	}
	return buf
}

func (s *session) send(buf []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.link.pbx.timing.write)); err != nil {
		return err
	}
	_, err := s.conn.Write(buf)
	return err
}
