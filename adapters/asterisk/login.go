package asterisk

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"time"

	"pbxguard/adapters/internal/uplink"
	"pbxguard/adapters/internal/wire"
)

// refused says that Asterisk does not let the user in.
func (o *Options) refused(answer string) error {
	return &uplink.Refusal{
		What: fmt.Sprintf("AMI login refused for user %q at %s: %s", o.Username, o.Address, answer),
		Hint: "check the user's section in manager.conf: its secret, its deny and permit lines; " +
			"'manager show user " + o.Username + "' shows what Asterisk has loaded",
	}
}

// dial connects to AMI.
func (l *link) dial(ctx context.Context) (net.Conn, error) {
	o := &l.pbx.options
	ctx, cancel := context.WithTimeout(ctx, l.pbx.timing.dial)
	defer cancel()
	conn, err := o.Dial(ctx, "tcp", o.Address)
	if err != nil || o.TLS == nil {
		return conn, err
	}
	private := tls.Client(conn, o.tls())
	if err := private.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return private, nil
}

// tls is the configuration of TLS with the name that the certificate must have.
func (o *Options) tls() *tls.Config {
	c := o.TLS.Clone()
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(o.Address) // New has checked it
	}
	return c
}

// login reads the banner and logs in on a fresh connection.
func (s *session) login() error {
	if err := s.conn.SetDeadline(time.Now().Add(s.link.pbx.timing.login)); err != nil {
		return err
	}
	line, err := s.reader.Line()
	if err != nil {
		return fmt.Errorf("cannot read the greeting: %w", err)
	}
	if !bytes.HasPrefix(line, []byte(banner)) {
		return fmt.Errorf("cannot take this for AMI: it greets with %.40q", line)
	}
	s.banner = wire.Clip(line)
	o := &s.link.pbx.options
	key := ""
	if !o.Plain {
		if key, err = s.challenge(); err != nil {
			return err
		}
	}
	id := s.translator.nonce + "l"
	buf, err := plainLoginAction(nil, id, o.Username, o.Secret, s.link.mask)
	if key != "" {
		buf, err = loginAction(nil, id, o.Username, key, s.link.mask)
	}
	if err != nil {
		return err
	}
	ok, answer, err := s.ask(buf, id)
	switch {
	case err != nil:
		return fmt.Errorf("cannot log in: %w", err)
	case !ok:
		return o.refused(wire.Printed(answer.Get("Message")))
	}
	return s.conn.SetDeadline(time.Time{})
}

// challenge asks for a challenge and returns the answer to it. It is empty if
// Asterisk gives none and nobody can listen in on the secret itself.
func (s *session) challenge() (key string, err error) {
	id := s.translator.nonce + "c"
	buf, err := challengeAction(nil, id)
	if err != nil {
		return "", err
	}
	ok, answer, err := s.ask(buf, id)
	if err != nil {
		return "", fmt.Errorf("cannot ask for a challenge: %w", err)
	}
	challenge := answer.Get("Challenge")
	if ok && len(challenge) > 0 {
		sum := md5.Sum(append(bytes.Clone(challenge), s.link.pbx.options.Secret...))
		return hex.EncodeToString(sum[:]), nil
	}
	if !s.private() {
		return "", fmt.Errorf("cannot log in by challenge (%s), and will not send the secret over an open network",
			wire.Printed(answer.Get("Message")))
	}
	s.link.log.Warn("Asterisk offers no challenge; the secret itself is sent", "answer", wire.Printed(answer.Get("Message")))
	return "", nil
}

// private says whether nobody can listen in on the connection.
func (s *session) private() bool {
	if _, ok := s.conn.(*tls.Conn); ok {
		return true
	}
	addr, ok := s.conn.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// ask sends an action during login and waits for its answer.
func (s *session) ask(action []byte, id string) (ok bool, answer *wire.Block, err error) {
	if _, err := s.conn.Write(action); err != nil {
		return false, nil, err
	}
	for {
		if err := s.reader.Read(&s.block); err != nil {
			return false, nil, err
		}
		if s.block.Is(0, "Response") && string(s.block.Get("ActionID")) == id {
			return string(s.block.Value(0)) == "Success", &s.block, nil
		}
	}
}
