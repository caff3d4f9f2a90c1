package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"pbxguard/guard"
	"pbxguard/incident"
)

const (
	maxConns  = 64
	maxHeader = 8 << 10 // bytes
	maxBody   = 64 << 10
	patience  = 5 * time.Second // for one answer
	farewell  = time.Second     // for answers under way when the daemon stops
)

// Options say where a [Server] listens.
type Options struct {
	Path  string       // "": DefaultPath
	Group string       // whose members may look; "": the daemon's own
	Log   *slog.Logger // nil: the default one
}

// Server is the daemon's end of the socket.
type Server struct {
	handler  Handler
	log      *slog.Logger
	gid      int
	listener net.Listener
	http     http.Server
}

// New opens the socket. Callers are answered once [Server.Run] is called.
func New(o Options, h Handler) (*Server, error) {
	if o.Path == "" {
		o.Path = DefaultPath
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	dir := filepath.Dir(o.Path)
	made, err := makeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the control socket: %w", err)
	}
	l, err := listen(o.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the control socket: %w", err)
	}
	ours := []string{o.Path}
	if made {
		ours = append(ours, dir)
	}
	gid, err := admit(o.Group, ours...)
	if err != nil {
		o.Log.Warn("only root and the daemon's user can use the control socket", "group", o.Group, "error", err)
		gid = os.Getegid()
	}
	s := &Server{
		handler:  h,
		log:      o.Log,
		gid:      gid,
		listener: &capped{l, make(chan struct{}, maxConns)},
	}
	s.http = http.Server{
		Handler:           s.routes(),
		ConnContext:       withPeer,
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       patience,
		WriteTimeout:      2 * patience,
		IdleTimeout:       patience,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Run answers callers until ctx is done, then closes the socket and removes it.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if s.http.Shutdown(bye) != nil {
			s.http.Close()
		}
	})
	err := s.http.Serve(s.listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("cannot serve the control socket: %w", err)
}

func (s *Server) routes() *http.ServeMux {
	h, mux := s.handler, http.NewServeMux()
	mux.Handle("GET /v1/status", look(s, func(ctx context.Context, _ url.Values) (Status, error) { return h.Status(ctx) }))
	mux.Handle("GET /v1/calls", look(s, func(ctx context.Context, _ url.Values) ([]guard.LiveCall, error) { return h.Calls(ctx) }))
	mux.Handle("GET /v1/bans", look(s, func(ctx context.Context, _ url.Values) ([]guard.Ban, error) { return h.Bans(ctx) }))
	mux.Handle("GET /v1/decisions", look(s, func(ctx context.Context, v url.Values) ([]guard.Decision, error) {
		q, err := parseQuery(v)
		if err != nil {
			return nil, err
		}
		return h.Decisions(ctx, q)
	}))
	mux.Handle("GET /v1/explain", look(s, func(ctx context.Context, v url.Values) (guard.Answer, error) {
		return h.Explain(ctx, Question{PBX: v.Get("pbx"), Account: v.Get("account"), Number: v.Get("number"), At: v.Get("at")})
	}))
	mux.Handle("GET /v1/incidents", look(s, func(ctx context.Context, v url.Values) ([]*incident.Incident, error) {
		q, err := parseQuery(v) // whose After is the ID
		if err != nil {
			return nil, err
		}
		return h.Incidents(ctx, IncidentQuery{ID: q.After, Since: q.Since, Account: q.Account})
	}))
	mux.Handle("POST /v1/ban", act(s, h.Ban))
	mux.Handle("POST /v1/unban", act(s, func(ctx context.Context, p netip.Prefix, by string) error { return h.Unban(ctx, p, by) }))
	mux.Handle("POST /v1/hangup", act(s, h.Hangup))
	mux.Handle("POST /v1/lock", act(s, h.Lock))
	mux.Handle("POST /v1/unlock", act(s, h.Unlock))
	mux.Handle("POST /v1/allow", answered(s, h.Allow))
	mux.Handle("POST /v1/undo", answered(s, h.Undo))
	mux.Handle("POST /v1/modes", act(s, h.SetModes))
	mux.Handle("POST /v1/panic", answered(s, func(ctx context.Context, _ struct{}, by string) (Done, error) { return h.Panic(ctx, by) }))
	return mux
}

// look answers callers who may look with what f finds.
func look[T any](s *Server, f func(context.Context, url.Values) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, known := r.Context().Value(peerKey{}).(peer)
		if !known || !p.looks(s.gid) {
			s.fail(w, &Error{Code: http.StatusForbidden, Text: "only root and the members of the daemon's group may look"})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		v, err := f(ctx, r.URL.Query())
		if err != nil {
			s.fail(w, err)
			return
		}
		s.reply(w, http.StatusOK, v)
	})
}

// act does for callers who may act what their order says.
func act[T any](s *Server, f func(ctx context.Context, order T, by string) error) http.Handler {
	return answered(s, func(ctx context.Context, order T, by string) (struct{}, error) {
		return struct{}{}, f(ctx, order, by)
	})
}

// answered is act for what has more to say than that it is done.
func answered[T, A any](s *Server, f func(ctx context.Context, order T, by string) (A, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, known := r.Context().Value(peerKey{}).(peer)
		if !known || !p.acts() {
			s.fail(w, &Error{Code: http.StatusForbidden, Text: "only root may do that"})
			return
		}
		var order T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&order); err != nil {
			s.fail(w, &Error{Code: http.StatusBadRequest, Text: "cannot read the order: " + err.Error()})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		answer, err := f(ctx, order, p.String())
		if err != nil {
			s.fail(w, err)
			return
		}
		s.reply(w, http.StatusOK, answer)
	})
}

// fail tells the caller what went wrong.
func (s *Server) fail(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Text: err.Error()}
	}
	if errors.Is(err, guard.ErrStopped) {
		e = &Error{Code: http.StatusServiceUnavailable, Text: err.Error(), Hint: "journalctl -u pbxguard"}
	}
	code := e.Code
	if code == 0 {
		code = http.StatusUnprocessableEntity
	}
	s.reply(w, code, e)
}

func (s *Server) reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("control: caller left", "error", err)
	}
}

// parseQuery reads what [Query.values] wrote.
func parseQuery(v url.Values) (q Query, err error) {
	q.Rule, q.Account = v.Get("rule"), v.Get("account")
	var errs [3]error
	if s := v.Get("since"); s != "" {
		q.Since, errs[0] = time.Parse(time.RFC3339Nano, s)
	}
	if s := v.Get("after"); s != "" {
		q.After, errs[1] = strconv.ParseUint(s, 10, 64)
	}
	if s := v.Get("limit"); s != "" {
		q.Limit, errs[2] = strconv.Atoi(s)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return q, &Error{Code: http.StatusBadRequest, Text: err.Error()}
	}
	return q, nil
}

func (q Query) values() url.Values {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Rule != "" {
		v.Set("rule", q.Rule)
	}
	if q.Account != "" {
		v.Set("account", q.Account)
	}
	return v
}
