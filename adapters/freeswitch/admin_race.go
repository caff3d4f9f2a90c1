//go:build race

package freeswitch

import "context"

// dial leaves eslgo out of a program that watches for data races: version 1.5.2
// reads a map without its lock in goroutines that it starts at login and deletes
// from it when it closes, which ends such a program whatever is done around it.
func (a *Admin) dial(_ context.Context, probe *conn) (adminLink, error) {
	return &ownLink{conn: probe}, nil
}
