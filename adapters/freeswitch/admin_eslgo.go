//go:build !race

package freeswitch

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/percipia/eslgo"
	"github.com/percipia/eslgo/command"
)

// eslgoLink is a connection of eslgo's.
type eslgoLink struct {
	conn *eslgo.Conn
	gone atomic.Bool
}

// dial lets eslgo log in, now that it is known that it may. A user of the directory
// it cannot be.
func (a *Admin) dial(ctx context.Context, probe *conn) (adminLink, error) {
	if a.options.User != "" {
		return &ownLink{conn: probe}, nil
	}
	probe.Close()
	l := new(eslgoLink)
	o := eslgo.InboundOptions{
		Options: eslgo.Options{Context: context.WithoutCancel(ctx), Logger: eslgo.NilLogger{}, ExitTimeout: time.Second},
		Network: "tcp", Password: a.options.Password, AuthTimeout: left(ctx),
		OnDisconnect: func() { l.gone.Store(true) },
	}
	var err error
	if l.conn, err = o.Dial(a.options.Address); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *eslgoLink) ask(ctx context.Context, name, args string) (string, error) {
	answer, err := l.conn.SendCommand(ctx, command.API{Command: name, Arguments: args})
	if err != nil {
		return "", err
	}
	return string(answer.Body), nil
}

func (l *eslgoLink) dead() bool { return l.gone.Load() }

// close does not wait: eslgo's Close can hang while a command is on its way.
func (l *eslgoLink) close() {
	l.gone.Store(true)
	go l.conn.Close()
}
