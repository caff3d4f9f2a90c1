package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"pbxguard/guard"
	"pbxguard/incident"
)

// ErrUnreachable reports that no daemon answers on the socket.
var ErrUnreachable = errors.New("cannot reach the daemon")

// Client is the command line's end of the socket.
type Client struct {
	path string
	http http.Client
}

// NewClient returns a client of the daemon that listens at path, which is asked
// for nothing yet. An empty path is [DefaultPath].
func NewClient(path string) *Client {
	if path == "" {
		path = DefaultPath
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{
		Transport: &http.Transport{DialContext: dial, IdleConnTimeout: patience},
		Timeout:   3 * patience,
	}}
}

// Close gives up the client's connection.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks what the daemon is doing.
func (c *Client) Status(ctx context.Context) (st Status, err error) {
	return st, c.get(ctx, "status", nil, &st)
}

// Calls lists the calls in progress, oldest first.
func (c *Client) Calls(ctx context.Context) (calls []guard.LiveCall, err error) {
	return calls, c.get(ctx, "calls", nil, &calls)
}

// Bans lists the bans in force, newest first.
func (c *Client) Bans(ctx context.Context) (bans []guard.Ban, err error) {
	return bans, c.get(ctx, "bans", nil, &bans)
}

// Decisions lists verdicts, newest last.
func (c *Client) Decisions(ctx context.Context, q Query) (ds []guard.Decision, err error) {
	return ds, c.get(ctx, "decisions", q.values(), &ds)
}

// Incidents lists incidents, oldest first.
func (c *Client) Incidents(ctx context.Context, q IncidentQuery) (found []*incident.Incident, err error) {
	return found, c.get(ctx, "incidents", Query{After: q.ID, Since: q.Since, Account: q.Account}.values(), &found)
}

// Explain asks what the guard would do with a call that nobody has placed.
func (c *Client) Explain(ctx context.Context, q Question) (a guard.Answer, err error) {
	v := url.Values{"pbx": {q.PBX}, "account": {q.Account}, "number": {q.Number}, "at": {q.At}}
	return a, c.get(ctx, "explain", v, &a)
}

// Ban bans a prefix.
func (c *Client) Ban(ctx context.Context, o BanOrder) error { return c.post(ctx, "ban", o) }

// Unban lifts the ban of exactly this prefix.
func (c *Client) Unban(ctx context.Context, p netip.Prefix) error { return c.post(ctx, "unban", p) }

// Hangup ends the call that a leg's or call's id names.
func (c *Client) Hangup(ctx context.Context, id string) error { return c.post(ctx, "hangup", id) }

// Lock bars an account from new outbound calls other than emergency ones.
func (c *Client) Lock(ctx context.Context, o LockOrder) error { return c.post(ctx, "lock", o) }

// Unlock lets a locked account call again.
func (c *Client) Unlock(ctx context.Context, o LockOrder) error { return c.post(ctx, "unlock", o) }

// Allow lets an account do for a time what rules object to.
func (c *Client) Allow(ctx context.Context, o AllowOrder) (done Done, err error) {
	return done, c.order(ctx, "allow", o, &done)
}

// Undo takes back what has a number: a decision, an exception, a forward that
// was switched off.
func (c *Client) Undo(ctx context.Context, id uint64) (done Done, err error) {
	return done, c.order(ctx, "undo", id, &done)
}

// Panic lifts every ban and lock and has the guard only observe.
func (c *Client) Panic(ctx context.Context) (done Done, err error) {
	return done, c.order(ctx, "panic", struct{}{}, &done)
}

// SetModes switches between observing and enforcing.
func (c *Client) SetModes(ctx context.Context, m Modes) error { return c.post(ctx, "modes", m) }

const (
	pollEvery  = 250 * time.Millisecond
	awaitAfter = 10 * time.Second // how long a kill's outcome is waited for
)

// Follow hands each new decision to emit, and a kill once more when its outcome
// is known, until ctx is done or emit fails. It begins with what q chooses.
func (c *Client) Follow(ctx context.Context, q Query, emit func(guard.Decision) error) error {
	open := map[uint64]time.Time{} // kills without an outcome, and since when
	last := q.After
	for {
		ds, err := c.Decisions(ctx, q)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range ds {
			_, awaited := open[d.ID]
			news := d.ID > last || awaited && d.Outcome != ""
			if !news {
				continue
			}
			last = max(last, d.ID)
			delete(open, d.ID)
			if d.Outcome == "" && d.Enforced && d.Leg != "" {
				open[d.ID] = time.Now()
			}
			if err := emit(d); err != nil {
				return err
			}
		}
		q.Since, q.Limit, q.After = time.Time{}, 0, last
		for id, since := range open {
			if time.Since(since) > awaitAfter {
				delete(open, id)
			} else if id <= q.After {
				q.After = id - 1
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollEvery):
		}
	}
}

func (c *Client) get(ctx context.Context, what string, v url.Values, answer any) error {
	return c.do(ctx, http.MethodGet, what+"?"+v.Encode(), nil, answer)
}

func (c *Client) post(ctx context.Context, what string, order any) error {
	return c.order(ctx, what, order, &struct{}{})
}

// order is post for an order whose answer says something.
func (c *Client) order(ctx context.Context, what string, order, answer any) error {
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, what, bytes.NewReader(body), answer)
}

func (c *Client) do(ctx context.Context, method, what string, body io.Reader, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://pbxguard/v1/"+what, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	return nil
}

// unreachable strips the URL, which means nothing to anybody, off err.
func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// refusal reads why the daemon said no.
func refusal(resp *http.Response) error {
	e := &Error{Code: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(e); err != nil || e.Text == "" {
		e.Text = "the daemon answers " + resp.Status
	}
	return e
}
