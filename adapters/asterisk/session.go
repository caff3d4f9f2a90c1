package asterisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// session is one connection, from its first byte to its last. Its reader owns
// everything but what mu guards.
type session struct {
	*uplink.Breaker
	link       *link
	conn       net.Conn
	reader     *wire.Reader
	block      wire.Block
	translator translator
	banner     string
	farewell   string // why it ended
	shutdown   string // what Asterisk said of its own end
	doubted    time.Time
	forgeries  pace.Throttle
	oversizes  pace.Throttle
	unbeaten   pace.Throttle

	orders chan order
	quit   chan struct{}

	mu      sync.Mutex
	asked   time.Time // when the list on its way was asked for; zero if none is
	askNext bool      // for another list behind it
}

func newSession(l *link, conn net.Conn) *session {
	in := io.Reader(conn)
	if l.trust&callClass == 0 {
		in = wire.Breather{Reader: conn} // a storm of failed logins lets calls through
	}
	s := &session{
		Breaker: uplink.NewBreaker(conn), link: l, conn: conn, reader: wire.NewReader(in),
		orders: make(chan order, maxOrders), quit: make(chan struct{}),
	}
	s.translator = translator{
		pbx: l.pbx.options.Name, trust: l.trust, nonce: newNonce(),
		emit: s.emit, notice: s.notice,
	}
	return s
}

// Serve reads until the connection breaks.
func (s *session) Serve() error {
	var writer sync.WaitGroup
	writer.Go(s.write)
	defer writer.Wait()
	defer close(s.quit)
	var until time.Time
	for {
		// Keepalives are answered, so within this time a whole block comes,
		// from a server that trickles a byte now and then as well.
		silence := s.link.pbx.timing.silence
		if now := time.Now(); until.Sub(now) < silence*9/10 {
			until = now.Add(silence)
			if err := s.conn.SetReadDeadline(until); err != nil {
				return s.end(err)
			}
		}
		if err := s.reader.Read(&s.block); err != nil {
			if over := new(wire.Oversize); errors.As(err, &over) {
				s.oversize(over)
				continue
			}
			return s.end(err)
		}
		s.take()
		if err := s.overdue(); err != nil {
			return s.end(err)
		}
	}
}

// take deals with one block.
func (s *session) take() {
	b, t, now := &s.block, &s.translator, s.link.pbx.options.Now()
	s.link.Count(func(c *LinkStatus) { c.Messages++; c.Bytes += uint64(b.Size()) })
	switch {
	case b.Is(0, "Response"):
		s.response(b, now)
	case b.Is(0, "Event") && string(b.Value(0)) == "StatusComplete" && t.own(b):
		t.listing = false
		s.emit(&guard.Event{Kind: guard.ResyncEnded, PBX: t.pbx, At: now})
		s.listed()
	default:
		t.block(b, now)
	}
	if t.doubt && now.Sub(s.doubted) >= s.link.pbx.timing.doubt {
		t.doubt, s.doubted = false, now
		s.resync()
	}
}

// response takes the answer to one of our own actions.
func (s *session) response(b *wire.Block, now time.Time) {
	id, own := bytes.CutPrefix(b.Get("ActionID"), []byte(s.translator.nonce))
	if !own {
		return
	}
	ok := string(b.Value(0)) == "Success"
	leg, hangup := bytes.CutPrefix(id, []byte(hangupMark))
	switch {
	case string(id) == statusMark && ok:
		s.translator.listing = true
		s.emit(&guard.Event{Kind: guard.ResyncStarted, PBX: s.translator.pbx, At: now})
	case string(id) == statusMark:
		s.link.log.Error("Asterisk does not list its calls", "answer", wire.Printed(b.Get("Message")),
			"hint", "the user needs write = call in manager.conf")
		s.listed()
	case string(id) == beatMark && !ok:
		s.beats(wire.Printed(b.Get("Message")), now)
	case !hangup || ok:
	case string(b.Get("Message")) == "No such channel":
		s.emit(&guard.Event{Kind: guard.HangupRefused, PBX: s.translator.pbx, At: now, Leg: guard.LegID(leg)})
	default:
		s.link.log.Error("Asterisk refuses to end a call", "leg", wire.Printed(leg), "answer", wire.Printed(b.Get("Message")),
			"hint", "the user needs write = call in manager.conf")
	}
}

// beats reports that Asterisk does not take the gate's heartbeat.
func (s *session) beats(answer string, now time.Time) {
	if s.unbeaten.Allow(now) {
		s.link.log.Error("Asterisk does not take the gate's heartbeat: no call will ask", "answer", answer,
			"hint", "the user needs write = call in manager.conf")
	}
}

// emit passes an event on.
func (s *session) emit(ev *guard.Event) {
	forged := ev.Kind == guard.Forged
	s.link.Count(func(c *LinkStatus) {
		c.Events++
		if forged {
			c.Forged++
		}
	})
	if forged && s.forgeries.Allow(ev.At) {
		s.link.log.Warn("somebody forges events of Asterisk with line breaks in SIP headers",
			"what", ev.Number, "source", ev.Source, "more_since_last", s.forgeries.Held)
	}
	s.link.out.Put(ev)
}

// oversize reports a block that was skipped.
func (s *session) oversize(over *wire.Oversize) {
	s.link.Count(func(c *LinkStatus) { c.Oversize++; c.Bytes += uint64(over.Size) })
	if s.oversizes.Allow(s.link.pbx.options.Now()) {
		s.link.log.Warn("Asterisk sent more than any event has", "error", over, "more_since_last", s.oversizes.Held)
	}
	s.translator.doubt = true
}

// notice takes an event about the PBX itself. Any of them may be forged.
func (s *session) notice(event string, b *wire.Block) {
	switch event {
	case "FullyBooted":
		s.booted(b)
		if !s.asking() {
			s.resync()
		}
	case "Shutdown":
		// Believed only once the connection ends.
		s.shutdown = "Asterisk shut down"
		if string(b.Get("Restart")) == "True" {
			s.shutdown = "Asterisk restarts"
		}
	case "Reload":
		if f := s.link.pbx.options.OnReload; f != nil {
			f(wire.Clip(b.Get("Module")))
		}
	}
}

// young is for how long an Asterisk counts as just started.
const young = 2 * time.Minute

// booted tells the guard of an Asterisk that has just started. It says so to
// whoever logs in, at any time, so it goes by how long it is up.
func (s *session) booted(b *wire.Block) {
	up, err := strconv.Atoi(string(b.Get("Uptime")))
	if err != nil || time.Duration(up)*time.Second > young {
		return
	}
	s.emit(&guard.Event{Kind: guard.PBXChanged, PBX: s.link.pbx.options.Name, At: s.link.pbx.options.Now(),
		Number: "Asterisk has started"})
}

// resync asks for the list of legs, behind the one that is on its way if there is one.
func (s *session) resync() bool {
	s.mu.Lock()
	if !s.asked.IsZero() {
		s.askNext = true
		s.mu.Unlock()
		return true
	}
	s.asked = time.Now()
	s.mu.Unlock()
	if s.order(order{}) {
		return true
	}
	s.mu.Lock()
	s.asked = time.Time{}
	s.mu.Unlock()
	return false
}

// asking says whether a list is on its way.
func (s *session) asking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.asked.IsZero()
}

// listed notes that the list is complete, or refused.
func (s *session) listed() {
	s.mu.Lock()
	next := s.askNext
	s.asked, s.askNext = time.Time{}, false
	s.mu.Unlock()
	if next {
		s.resync()
	}
}

// overdue is an error if the list does not come.
func (s *session) overdue() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.link.pbx.timing.list; !s.asked.IsZero() && time.Since(s.asked) > list {
		return fmt.Errorf("no list of the calls within %v", list)
	}
	return nil
}

// end says why the session ended, for which err is what the reader saw.
func (s *session) end(err error) error {
	cause := s.Cause()
	switch {
	case cause != nil:
		err = cause
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer for %v", s.link.pbx.timing.silence)
	case errors.Is(err, io.EOF) && s.shutdown != "":
		err = errors.New(s.shutdown)
	case errors.Is(err, io.EOF):
		err = errors.New("the connection was closed by Asterisk")
	}
	s.farewell = err.Error()
	return err
}
