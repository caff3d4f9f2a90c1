package freeswitch

import (
	"context"
	"log/slog"
	"time"

	"pbxguard/adapters/internal/uplink"
)

// duty is what a connection is for.
type duty interface {
	// begin asks for what is needed, right after the login.
	begin(c *conn) error
	// joined is told of a session that has begun, left when it ends and why.
	joined(s *session)
	left(s *session, why string)
	// take deals with one message.
	take(s *session, f *frame) error
	// write writes until the session ends, or the connection fails.
	write(s *session) error
}

// link is one of the connections.
type link struct {
	*uplink.Link[*session]
	pbx  *PBX
	duty duty
	log  *slog.Logger
}

func newLink(p *PBX, purpose string, d duty) *link {
	l := &link{pbx: p, duty: d, log: p.options.Log.With("pbx", p.options.Name, "connection", purpose)}
	l.Link = uplink.New(uplink.Options[*session]{
		PBX: "FreeSWITCH", Address: p.options.Address, Purpose: purpose,
		Pauses: &p.timing.Pauses, Log: l.log, Now: p.options.Now,
		Open: l.open, Began: d.joined, Ended: func(s *session) { d.left(s, s.farewell) },
	})
	return l
}

// open connects, logs in and begins the duty.
func (l *link) open(ctx context.Context) (*session, error) {
	c, err := l.pbx.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(l, c)
	defer context.AfterFunc(ctx, func() { s.Fail(uplink.ErrStopped) })()
	if err := s.begin(); err != nil {
		c.Close()
		return nil, s.end(err)
	}
	return s, nil
}

// begin has the duty ask for what it needs.
func (s *session) begin() error {
	if err := s.conn.SetDeadline(time.Now().Add(s.link.pbx.timing.login)); err != nil {
		return err
	}
	if err := s.link.duty.begin(s.conn); err != nil {
		return err
	}
	return s.conn.SetDeadline(time.Time{})
}
