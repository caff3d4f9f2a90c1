package testbed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Hangup ends the call: by CANCEL before it is answered, else by BYE; a call
// which came and was not yet answered is declined.
func (c *Call) Hangup(ctx context.Context) error {
	switch {
	case isClosed(c.over):
		return nil
	case c.invite != nil && !isClosed(c.final):
		return c.reply(603, "Decline")
	case !isClosed(c.final):
		if err := c.cancel(ctx); err != nil {
			return err
		}
		if status, err := c.Wait(ctx); err != nil || status >= 300 {
			return err
		}
	}
	defer c.end()
	return c.request(ctx, "BYE", nil, "")
}

// cancel cancels the INVITE once the server works on it, as CANCEL must
// (RFC 3261 section 9.1).
func (c *Call) cancel(ctx context.Context) error {
	select {
	case <-c.tried:
	case <-c.final:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot cancel call to %s: %w", c.Number, ctx.Err())
	}
	c.mu.Lock()
	x := c.current
	c.mu.Unlock()
	r := x.request
	r.method, r.lines, r.body = "CANCEL", nil, ""
	return c.phone.write(r.to, c.phone.text(r, x.via))
}

// request sends a request inside the dialog.
func (c *Call) request(ctx context.Context, method string, lines []string, body string) error {
	c.mu.Lock()
	c.seq += 2
	r := request{
		to: c.peer, method: method, uri: c.target, fromHdr: c.local, toHdr: c.remote,
		id: c.id, seq: c.seq, lines: lines, body: body,
	}
	c.mu.Unlock()
	m, err := c.phone.transact(ctx, r, &c.phone.Password, nil)
	if err != nil {
		return err
	}
	if m.status() >= 300 {
		return fmt.Errorf("%s was answered %s", method, m.start)
	}
	return nil
}

// DTMF presses keys, by INFO, 150 ms each.
func (c *Call) DTMF(ctx context.Context, digits string) error {
	for _, d := range digits {
		body := fmt.Sprintf("Signal=%c\r\nDuration=100\r\n", d)
		if err := c.request(ctx, "INFO", []string{"Content-Type: application/dtmf-relay"}, body); err != nil {
			return err
		}
		select {
		case <-time.After(150 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Refer transfers the other side to the number, blindly.
func (c *Call) Refer(ctx context.Context, number string) error {
	return c.refer(ctx, fmt.Sprintf("sip:%s@%s", number, c.phone.Server))
}

// ReferReplaces transfers the other side to the other side of another call of
// this phone.
func (c *Call) ReferReplaces(ctx context.Context, other *Call) error {
	other.mu.Lock()
	replaces := fmt.Sprintf("%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		strings.ReplaceAll(other.id, "@", "%40"), tagOf(other.remote), tagOf(other.local))
	other.mu.Unlock()
	return c.refer(ctx, fmt.Sprintf("sip:%s@%s?Replaces=%s", other.Number, c.phone.Server, replaces))
}

func (c *Call) refer(ctx context.Context, target string) error {
	if !isClosed(c.final) {
		return errors.New("cannot transfer a call that is not answered")
	}
	return c.request(ctx, "REFER", []string{
		"Refer-To: <" + target + ">",
		"Referred-By: <" + fmt.Sprintf("sip:%s@%s", c.phone.User, c.phone.domain) + ">",
	}, "")
}
