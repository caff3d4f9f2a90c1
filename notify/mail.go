package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail sends messages by SMTP.
type Mail struct {
	Server   string      // host:port
	TLS      string      // "starttls", "tls", "none"
	Username string      // "": no login
	Password string      // never sent without TLS but to this host
	From     string      // address
	To       []string    // addresses
	Config   *tls.Config // nil: the host's authorities
}

// Send implements [Receiver].
func (m *Mail) Send(ctx context.Context, msg *Message) error {
	body, err := m.compose(msg, time.Now())
	if err != nil {
		return fmt.Errorf("cannot write the mail: %w", err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return fmt.Errorf("cannot reach the mail server: %w", err)
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	client, err := m.client(conn)
	if err != nil {
		return fmt.Errorf("cannot speak to the mail server: %w", err)
	}
	defer client.Close()
	if m.Username != "" {
		if err := client.Auth(sasl.NewPlainClient("", m.Username, m.Password)); err != nil {
			return hide(fmt.Errorf("cannot log in to the mail server: %w", err), m.Password)
		}
	}
	if err := client.SendMail(m.From, m.To, bytes.NewReader(body)); err != nil {
		return hide(fmt.Errorf("the mail server refuses: %w", err), m.Password)
	}
	_ = client.Quit() // it has taken the mail
	return nil
}

func (m *Mail) client(conn net.Conn) (*smtp.Client, error) {
	conf := m.Config
	if conf == nil {
		host, _, err := net.SplitHostPort(m.Server)
		if err != nil {
			return nil, err
		}
		conf = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	switch m.TLS {
	case "tls":
		return smtp.NewClient(tls.Client(conn, conf)), nil
	case "none":
		return smtp.NewClient(conn), nil
	}
	return smtp.NewClientStartTLS(conn, conf)
}

// compose writes a mail.
func (m *Mail) compose(msg *Message, now time.Time) ([]byte, error) {
	var h mail.Header
	h.SetDate(now)
	h.SetSubject(msg.Subject)
	h.SetAddressList("From", []*mail.Address{{Name: "pbxguard", Address: m.From}})
	var to []*mail.Address
	for _, a := range m.To {
		to = append(to, &mail.Address{Address: a})
	}
	h.SetAddressList("To", to)
	h.Set("Auto-Submitted", "auto-generated")
	if err := h.GenerateMessageID(); err != nil {
		return nil, err
	}
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	var b bytes.Buffer
	w, err := mail.CreateSingleInlineWriter(&b, h)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(msg.Text)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
