package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Chat sends messages to a chat service, such as Matrix, Slack, Teams, Telegram
// or Signal. Its URL, in the form of shoutrrr, holds a token and is a secret.
type Chat struct{ URL string }

// Send implements [Receiver].
func (c *Chat) Send(_ context.Context, msg *Message) error {
	sender, err := shoutrrr.CreateSender(c.URL)
	if err != nil {
		return c.hide(errors.New("cannot use the chat's URL: " + err.Error()))
	}
	params := types.Params{"title": msg.Subject}
	return c.hide(errors.Join(sender.Send(msg.Subject+"\n\n"+msg.Text, &params)...))
}

// CheckChat says what is wrong with a chat's URL, without the URL.
func CheckChat(text string) error {
	_, err := shoutrrr.CreateSender(text)
	return (&Chat{text}).hide(err)
}

// hide takes every part of the URL out of an error: any may be a token.
func (c *Chat) hide(err error) error {
	if err == nil {
		return nil
	}
	secrets := []string{c.URL}
	if u, parsed := url.Parse(c.URL); parsed == nil {
		secrets = append(secrets, u.Host, u.Path, u.RawQuery)
		if u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, u.User.String(), u.User.Username(), password)
		}
		secrets = append(secrets, strings.FieldsFunc(u.Host+"/"+u.Path+"/"+u.RawQuery, func(r rune) bool { return strings.ContainsRune("/&=?:,", r) })...)
	}
	return hide(err, secrets...)
}

// Journal writes messages to the log.
type Journal struct{ Log *slog.Logger }

// Send implements [Receiver].
func (j *Journal) Send(_ context.Context, msg *Message) error {
	if in := msg.Incident; in != nil {
		j.Log.Warn(msg.Subject, "incident", in.ID, "verdicts", in.Verdicts, "message", in.Message, "rules", in.Rules)
		return nil
	}
	j.Log.Warn(msg.Subject)
	return nil
}
