package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"pbxguard/adapters/internal/uplink"
	"pbxguard/adapters/internal/wire"
)

// conn is a connection to the event socket.
type conn struct {
	net.Conn
	frames *frames
}

// dial connects and logs in.
func (p *PBX) dial(ctx context.Context) (*conn, error) {
	o := &p.options
	dialling, cancel := context.WithTimeout(ctx, p.timing.dial)
	defer cancel()
	raw, err := o.Dial(dialling, "tcp", o.Address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, frames: newFrames(raw)}
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	if err := c.login(o, p.timing.login); err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// login answers the question for the password.
func (c *conn) login(o *Options, within time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	f, err := c.frames.next()
	switch {
	case err != nil:
		return fmt.Errorf("cannot read the greeting: %w", err)
	case f.kind() == rudeFrame:
		return &uplink.Refusal{
			What: "the event socket at " + o.Address + " refuses this host: " + wire.Printed(f.body),
			Hint: "apply-inbound-acl in event_socket.conf.xml must name a list with this host in it",
		}
	case f.kind() != authFrame:
		return fmt.Errorf("cannot take this for an event socket: it greets with %.40q", f.head.Get("Content-Type"))
	}
	command, who := "auth "+o.Password, "with the event socket's password"
	if o.User != "" {
		command, who = "userauth "+o.User+":"+o.Password, "as "+o.User
	}
	f, err = c.ask(command)
	if err != nil {
		return fmt.Errorf("cannot log in: %w", err)
	}
	if !f.ok() {
		return &uplink.Refusal{
			What: fmt.Sprintf("ESL login refused at %s %s: %s", o.Address, who, wire.Printed(f.answer())),
			Hint: "check the password; of a directory user also esl-password, and that reloadxml was done",
		}
	}
	return c.SetDeadline(time.Time{})
}

// ask sends a command and waits for its answer. Nothing else may be on its way.
// What is sent has been checked for line breaks.
func (c *conn) ask(command string) (frame, error) {
	if _, err := c.Write([]byte(command + "\n\n")); err != nil {
		return frame{}, err
	}
	for {
		f, err := c.frames.next()
		switch {
		case err != nil:
			return f, err
		case f.kind() == replyFrame, f.kind() == apiFrame:
			return f, nil
		case f.kind() == noticeFrame:
			return f, errors.New("FreeSWITCH says: " + wire.Printed(f.body))
		}
	}
}
