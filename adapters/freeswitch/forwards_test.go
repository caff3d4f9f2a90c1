package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pbxguard/adapters/internal/board"
	"pbxguard/guard"
)

// fakeTables answers as mod_db and mod_hash of 1.10.12 do.
type fakeTables struct{ db, hash map[string]string }

func (f *fakeTables) api(_ context.Context, name string, args ...string) (string, error) {
	line := strings.Join(args, " ")
	if name == "hash_dump" {
		var out string
		for k, v := range f.hash {
			realm, key, _ := strings.Cut(k, "/")
			out += "D/" + realm + "_" + key + "/" + v + "\n"
		}
		return none(out)
	}
	of := map[string]map[string]string{"db": f.db, "hash": f.hash}[name]
	verb, rest, _ := strings.Cut(line, "/")
	switch verb {
	case "list":
		var keys []string
		for k := range of {
			if key, ok := strings.CutPrefix(k, rest+"/"); ok {
				keys = append(keys, key)
			}
		}
		return none(strings.Join(keys, ","))
	case "select":
		return none(of[rest])
	case "insert":
		parts := strings.SplitN(rest, "/", 3)
		of[parts[0]+"/"+parts[1]] = parts[2]
	case "delete":
		if _, ok := of[rest]; !ok && name == "hash" {
			return "", errors.New("cannot ask FreeSWITCH for hash: Not found")
		}
		delete(of, rest)
	default:
		return "", fmt.Errorf("%s %s", name, line)
	}
	return "+OK\n", nil
}

// none is what an empty answer becomes.
func none(text string) (string, error) {
	if text == "" {
		return "", errors.New("cannot ask FreeSWITCH for it: no reply")
	}
	return text, nil
}

func TestTables(t *testing.T) {
	f := &fakeTables{
		db:   map[string]string{"cfwd/101": "0612345678", "cfwd/102@x.example": "0025261234567", "other/103": "1"},
		hash: map[string]string{"fwd/104": "0612345678", "pbxguard/until": "9", "pbxguard/lock_100@x.example": "all:1:,"},
	}
	s := tables{f, []string{"db/cfwd", "hash/fwd"}}
	found, err := s.Forwards(t.Context())
	want := map[board.Place]string{
		{Account: guard.Account{Name: "101"}, How: "db/cfwd/101"}:                                "0612345678",
		{Account: guard.Account{Name: "102", Domain: "x.example"}, How: "db/cfwd/102@x.example"}: "0025261234567",
		{Account: guard.Account{Name: "104"}, How: "hash/fwd/104"}:                               "0612345678",
	}
	if err != nil || !maps.Equal(found, want) {
		t.Errorf("got %v, %v, want %v", found, err, want)
	}
	for at := range want {
		if !s.Known(at) {
			t.Errorf("%v is not known", at)
		}
		for range 2 { // the second time it is gone already
			if err := s.SetForward(t.Context(), at, ""); err != nil {
				t.Error(err)
			}
		}
	}
	if found, err := s.Forwards(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("got %v, %v, want none left", found, err)
	}
	if err := s.SetForward(t.Context(), board.Place{Account: guard.Account{Name: "101"}, How: "db/cfwd/101"}, "0201234567"); err != nil || f.db["cfwd/101"] != "0201234567" {
		t.Errorf("got %v, %v", f.db, err)
	}
	locks, err := s.Locks(t.Context())
	if err != nil || !maps.Equal(locks, map[guard.Account]string{{Name: "100", Domain: "x.example"}: "all:1:,"}) {
		t.Errorf("got %v, %v", locks, err)
	}
	if err := s.SetLock(t.Context(), guard.Account{Name: "100", Domain: "x.example"}, ""); err != nil || len(f.hash) != 1 {
		t.Errorf("got %v, %v", f.hash, err)
	}
}

func TestTablesRefuse(t *testing.T) {
	s := tables{&fakeTables{}, []string{"db/cfwd"}}
	for _, at := range []board.Place{
		{Account: guard.Account{Name: "101"}, How: "db/cfwd/102"}, {Account: guard.Account{Name: "101"}, How: "db/pbxguard/101"},
		{Account: guard.Account{Name: "101"}, How: "db/cfwd"}, {Account: guard.Account{Name: "1 0"}, How: "db/cfwd/1 0"}, {How: ""},
	} {
		if s.Known(at) {
			t.Errorf("%+v is known", at)
		}
	}
	for realm, want := range map[string]bool{"db/cfwd": true, "hash/x.y-z_1": true, "db/": false, "db": false, "odbc/x": false, "db/a/b": false, "db/a b": false} {
		if IsRealm(realm) != want {
			t.Errorf("%s: want %v", realm, want)
		}
	}
}
