package asterisk

import (
	"context"
	"crypto/rand"
	"log/slog"

	"pbxguard/adapters/internal/outlet"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/guard"
)

// link is one of the two connections.
type link struct {
	*uplink.Link[*session]
	pbx   *PBX
	mask  string // the classes of events that it asks for
	trust class
	out   *outlet.Outlet // of what it tells
	log   *slog.Logger
}

func newLink(p *PBX, purpose, mask string, trust class, out *outlet.Outlet) *link {
	l := &link{pbx: p, mask: mask, trust: trust, out: out, log: p.options.Log.With("pbx", p.options.Name, "connection", purpose)}
	l.Link = uplink.New(uplink.Options[*session]{
		PBX: "Asterisk", Address: p.options.Address, Purpose: purpose,
		Pauses: &p.timing.Pauses, Log: l.log, Now: p.options.Now,
		Open: l.open, Began: l.began, Ended: l.ended,
	})
	return l
}

// open connects and logs in.
func (l *link) open(ctx context.Context) (*session, error) {
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(l, conn)
	defer context.AfterFunc(ctx, func() { s.Fail(uplink.ErrStopped) })()
	if err := s.login(); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// began tells the guard that its calls are watched, and asks for those that are there.
func (l *link) began(s *session) {
	l.Count(func(st *LinkStatus) { st.Banner = s.banner })
	if l.trust&callClass != 0 {
		l.pbx.events.Put(&guard.Event{Kind: guard.Connected, PBX: l.pbx.options.Name, At: l.pbx.options.Now()})
		s.resync()
	}
}

// ended takes back what began has announced.
func (l *link) ended(s *session) {
	if l.trust&callClass != 0 {
		l.pbx.events.Put(&guard.Event{Kind: guard.Disconnected, PBX: l.pbx.options.Name, At: l.pbx.options.Now(),
			Number: s.farewell})
	}
}

func (l *link) order(o order) bool {
	s := l.Session()
	return s != nil && s.order(o)
}

func (l *link) resync() bool {
	s := l.Session()
	return s != nil && s.resync()
}

// newNonce is what our ActionIDs on a connection begin with. Nobody who can
// only write into events can know it.
func newNonce() string { return "pbxguard-" + rand.Text()[:16] + "-" }
