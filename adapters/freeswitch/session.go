package freeswitch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/adapters/internal/wire"
)

// session is one connection that does its duty, until its last byte. Its reader
// owns everything.
type session struct {
	*uplink.Breaker
	link      *link
	conn      *conn
	notice    string // what FreeSWITCH said of its own end
	farewell  string // why it ended
	oversizes pace.Throttle
	refusals  pace.Throttle
	quit      chan struct{}
}

func newSession(l *link, c *conn) *session {
	return &session{Breaker: uplink.NewBreaker(c), link: l, conn: c, quit: make(chan struct{})}
}

// Serve reads until the connection breaks. It waits for nothing else.
func (s *session) Serve() error {
	var writer sync.WaitGroup
	writer.Go(func() {
		if err := s.link.duty.write(s); err != nil {
			s.Fail(fmt.Errorf("cannot write to FreeSWITCH: %w", err))
		}
	})
	defer writer.Wait()
	defer close(s.quit)
	var until time.Time
	for {
		// Keepalives are answered, so within this time a whole message comes,
		// from a server that trickles a byte now and then as well.
		silence := s.link.pbx.timing.silence
		if now := time.Now(); until.Sub(now) < silence*9/10 {
			until = now.Add(silence)
			if err := s.conn.SetReadDeadline(until); err != nil {
				return s.end(err)
			}
		}
		f, err := s.conn.frames.next()
		if over := new(wire.Oversize); errors.As(err, &over) {
			s.oversize(over)
			continue
		}
		if err != nil {
			return s.end(err)
		}
		s.link.Count(func(c *LinkStatus) { c.Messages++; c.Bytes += uint64(f.head.Size() + len(f.body)) })
		if f.kind() == noticeFrame {
			s.notice = wire.Printed(f.body)
			continue
		}
		if err := s.link.duty.take(s, &f); err != nil {
			return s.end(err)
		}
	}
}

// oversize reports a message that was skipped. A leg may have started or ended in it.
func (s *session) oversize(over *wire.Oversize) {
	s.link.Count(func(c *LinkStatus) { c.Oversize++; c.Bytes += uint64(over.Size) })
	if s.oversizes.Allow(s.link.pbx.options.Now()) {
		s.link.log.Warn("FreeSWITCH sent more than any event has", "error", over, "more_since_last", s.oversizes.Held)
	}
	s.link.pbx.Resync()
}

// send writes bytes, which must be gone within the time for writing.
func (s *session) send(b []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.link.pbx.timing.write)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// keepalive is a command that does not exist: its answer costs FreeSWITCH
// nothing, needs no permission and proves that it still reads.
var keepalive = []byte("noop\n\n")

// keepAlive sends keepalives until the session ends.
func (s *session) keepAlive() error {
	ping := time.NewTicker(s.link.pbx.timing.ping)
	defer ping.Stop()
	for {
		select {
		case <-ping.C:
			if err := s.send(keepalive); err != nil {
				return err
			}
		case <-s.quit:
			return nil
		}
	}
}

// end says why the session ended, for which err is what the reader saw.
func (s *session) end(err error) error {
	cause := s.Cause()
	switch {
	case cause != nil:
		err = cause
	case s.notice != "":
		err = errors.New("FreeSWITCH says: " + s.notice)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer for %v", s.link.pbx.timing.silence)
	case errors.Is(err, io.EOF):
		err = errors.New("the connection was closed by FreeSWITCH")
	}
	s.farewell = err.Error()
	return err
}
