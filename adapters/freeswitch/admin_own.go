package freeswitch

import (
	"context"
	"strings"
)

// ownLink is a connection of our own code's, for what eslgo cannot do: it cannot
// log in as a user of the directory. One command at a time is all that it does.
type ownLink struct {
	*conn
	gone bool
}

func (l *ownLink) ask(ctx context.Context, name, args string) (string, error) {
	until, _ := ctx.Deadline()
	if err := l.SetDeadline(until); err != nil {
		return "", err
	}
	f, err := l.conn.ask(strings.TrimSpace("api " + name + " " + args))
	if err != nil {
		l.gone = true
		return "", err
	}
	return string(f.body), nil
}

func (l *ownLink) dead() bool { return l.gone }

func (l *ownLink) close() {
	l.gone = true
	l.Close()
}
