//go:build race

package freeswitch

import (
	"context"
	"strings"
)

// ownLink stands in for eslgo in a program that watches for data races: version
// 1.5.2 reads a map without its lock in goroutines that it starts at login and
// deletes from it when it closes, which ends such a program whatever is done
// around it.
type ownLink struct {
	*conn
	gone bool
}

func (a *Admin) dial(_ context.Context, probe *conn) (adminLink, error) {
	return &ownLink{conn: probe}, nil
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
