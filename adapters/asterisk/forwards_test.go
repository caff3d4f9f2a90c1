package asterisk

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"pbxguard/adapters/internal/board"
	"pbxguard/guard"
)

// inMemory is AstDB, by whole key.
type inMemory map[string]string

func (d inMemory) Tree(_ context.Context, family string) (map[string]string, error) {
	found := map[string]string{}
	for k, v := range d {
		if strings.HasPrefix(k, "/"+family+"/") {
			found[k] = v
		}
	}
	if len(found) == 0 {
		return nil, errors.New("Database entry not found")
	}
	return found, nil
}

func (d inMemory) Put(_ context.Context, family, key, value string) error {
	d["/"+family+"/"+key] = value
	return nil
}

func (d inMemory) Delete(_ context.Context, family, key string) error {
	delete(d, "/"+family+"/"+key)
	return nil
}

func TestAstDB(t *testing.T) {
	db := inMemory{"/CF/101": "0612345678", "/CFU/102": "0025261234567", "/pbxguard/lock/100": "all:1:,", "/CW/101": "ENABLED"}
	s := astDB{db}
	found, err := s.Forwards(t.Context())
	cf, cfu := board.Place{Account: guard.Account{Name: "101"}, How: "CF"}, board.Place{Account: guard.Account{Name: "102"}, How: "CFU"}
	if err != nil || !maps.Equal(found, map[board.Place]string{cf: "0612345678", cfu: "0025261234567"}) {
		t.Errorf("got %v, %v", found, err)
	}
	if err := s.SetForward(t.Context(), cf, ""); err != nil || db["/CF/101"] != "" {
		t.Errorf("got %v, %v", db, err)
	}
	if err := s.SetForward(t.Context(), cf, "1"); err != nil || db["/CF/101"] != "1" {
		t.Errorf("got %v, %v", db, err)
	}
	locks, err := s.Locks(t.Context())
	if err != nil || !maps.Equal(locks, map[guard.Account]string{{Name: "100"}: "all:1:,"}) {
		t.Errorf("got %v, %v", locks, err)
	}
	if err := s.SetLock(t.Context(), guard.Account{Name: "100"}, ""); err != nil || db["/pbxguard/lock/100"] != "" {
		t.Errorf("got %v, %v", db, err)
	}
	if locks, err := s.Locks(t.Context()); err != nil || len(locks) != 0 {
		t.Errorf("got %v, %v of an empty family", locks, err)
	}
	if s.Known(board.Place{How: "pbxguard"}) || !s.Known(cf) {
		t.Error("the families are not known apart")
	}
}
