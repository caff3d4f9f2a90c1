package gate

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// Bounds of a listener. A PBX asks at once when it has connected and is done
// within milliseconds; a connection that says nothing costs 10 KB while it may.
const (
	maxConns    = 4096 // at once; the one that is silent longest makes room
	maxLookups  = 4    // questions to the kernel at once: each may hold a thread
	silence     = 2 * time.Second
	bindRetry   = 5 * time.Second
	complainGap = time.Minute
)

// server is one listener on loopback.
type server struct {
	name    string
	address *net.TCPAddr
	options Options
	serve   func(context.Context, *conn)
	lookups chan struct{} // holds one for each that is under way

	mu        sync.Mutex
	bound     string // where it listens; "" while it does not
	err       string // why not
	silent    *list.List
	open      int
	strangers uint64
	evicted   uint64
	complains time.Time // when the log was last told of
}

// ListenerStatus is what a listener is doing.
type ListenerStatus struct {
	Name      string `json:"name"` // "fastagi" or "socket"
	Address   string `json:"address"`
	Listening bool   `json:"listening"`
	Error     string `json:"error,omitempty"`
	Open      int    `json:"open"`      // connections
	Strangers uint64 `json:"strangers"` // connections of users who may not ask
	Evicted   uint64 `json:"evicted"`   // silent connections that had to make room
}

// conn is a connection of somebody who may ask.
type conn struct {
	*net.TCPConn
	server *server
	place  *list.Element // among the silent ones; nil once it has asked
}

func newServer(name string, at *net.TCPAddr, o Options, serve func(context.Context, *conn)) *server {
	return &server{name: name, address: at, options: o, serve: serve, lookups: make(chan struct{}, maxLookups), silent: list.New()}
}

// run listens until ctx is done.
func (s *server) run(ctx context.Context) {
	for ctx.Err() == nil {
		l, err := net.ListenTCP("tcp", s.address)
		s.listening(l, err)
		if err == nil {
			s.accept(ctx, l)
			continue
		}
		s.options.Log.Error("the gate cannot listen", "address", s.address.String(), "error", err, "retry_in", bindRetry)
		select {
		case <-time.After(bindRetry):
		case <-ctx.Done():
		}
	}
	s.listening(nil, nil)
}

func (s *server) listening(l *net.TCPListener, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound, s.err = "", ""
	if err != nil {
		s.err = err.Error()
	} else if l != nil {
		s.bound = l.Addr().String()
	}
}

// accept serves what connects, until ctx is done or the listener breaks.
func (s *server) accept(ctx context.Context, l *net.TCPListener) {
	var serving sync.WaitGroup
	defer serving.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			// Out of descriptors, or a connection that is gone already.
			s.complain("the gate cannot take a connection", "error", err)
			time.Sleep(time.Millisecond)
			if _, broken := err.(*net.OpError); broken && !isTemporary(err) {
				l.Close()
				return
			}
			continue
		}
		in := s.enter(c)
		serving.Go(func() {
			defer s.leave(in)
			defer s.rescue()
			defer context.AfterFunc(ctx, func() { in.Close() })()
			if s.welcome(in) {
				s.serve(ctx, in)
			}
		})
	}
}

// rescue ends the question that we could not cope with, and not the guard. The
// PBX then goes by its dial plan, as when nobody answers.
func (s *server) rescue() {
	if cause := recover(); cause != nil {
		s.options.Log.Error("pbxguard made a mistake; this question stays unanswered", "listener", s.name,
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}
}

// isTemporary says whether a failed accept leaves the listener usable.
func isTemporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// enter notes a connection, at the cost of the longest silent one if there are
// too many.
func (s *server) enter(c *net.TCPConn) *conn {
	in := &conn{TCPConn: c, server: s}
	c.SetDeadline(time.Now().Add(silence)) // of a connection that is gone, reading tells
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	in.place = s.silent.PushBack(in)
	if s.open > maxConns {
		if oldest := s.silent.Front(); oldest != in.place {
			s.silent.Remove(oldest)
			old := oldest.Value.(*conn)
			old.place = nil
			old.Close()
			s.evicted++
		}
	}
	return in
}

// asked notes that a connection has something to say.
func (c *conn) asked() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.hush()
}

func (c *conn) hush() {
	if c.place != nil {
		c.server.silent.Remove(c.place)
		c.place = nil
	}
}

func (s *server) leave(c *conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.hush()
	s.open--
}

// welcome says whether the other end may ask: it is of this host, and the
// kernel says that a user who may ask holds it.
func (s *server) welcome(c *conn) bool {
	s.lookups <- struct{}{}
	uid, err := owner(c.TCPConn)
	<-s.lookups
	if err == nil && s.options.mayAsk(uid) {
		return true
	}
	s.mu.Lock()
	s.strangers++
	s.mu.Unlock()
	if err != nil {
		s.complain("the gate cannot tell who asks", "error", err)
	} else {
		s.complain("somebody who may not ask the gate has tried to", "uid", uid, "hint", "name the user that the PBX runs as in gate.users")
	}
	return false
}

// complain tells the log, at most once a minute.
func (s *server) complain(what string, args ...any) {
	s.mu.Lock()
	held := time.Since(s.complains) < complainGap
	if !held {
		s.complains = time.Now()
	}
	s.mu.Unlock()
	level := slog.LevelWarn
	if held {
		level = slog.LevelDebug
	}
	s.options.Log.Log(context.Background(), level, what, append([]any{"listener", s.name}, args...)...)
}

func (s *server) status() ListenerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := ListenerStatus{
		Name: s.name, Address: s.address.String(), Listening: s.bound != "", Error: s.err,
		Open: s.open, Strangers: s.strangers, Evicted: s.evicted,
	}
	if s.bound != "" {
		st.Address = s.bound
	}
	return st
}
