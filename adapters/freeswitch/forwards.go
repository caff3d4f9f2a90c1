package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"pbxguard/adapters/internal/board"
	"pbxguard/guard"
)

// LockRealm and LockKey are where mod_hash keeps locks, for dial plans to look at:
// ${hash(select/pbxguard/lock_100@pbx.example)}, and without a domain for an
// extension that is locked in all of them.
const (
	LockRealm = "pbxguard"
	LockKey   = "lock_"
)

// commander is what [NewSwitchboard] needs of an [Admin].
type commander interface {
	api(ctx context.Context, name string, args ...string) (string, error)
}

// NewSwitchboard returns one that watches and changes forwards in mod_db and
// mod_hash, and has yet to run. Realms say where, as "db/cfwd" or "hash/forwards":
// in them an extension, or extension@domain, is the key of its number. Admin is
// left open.
func NewSwitchboard(pbx string, admin *Admin, realms []string, events chan<- guard.Event, log *slog.Logger) (*board.Board, error) {
	for _, r := range realms {
		if !IsRealm(r) {
			return nil, fmt.Errorf("%q is no place for forwards: it must be db/REALM or hash/REALM", r)
		}
	}
	return board.New(pbx, tables{admin, realms}, events, log, time.Now), nil
}

// IsRealm says whether s names a realm of mod_db or mod_hash.
func IsRealm(s string) bool {
	module, realm, ok := strings.Cut(s, "/")
	return ok && (module == "db" || module == "hash") && realm != "" && len(realm) <= 64 &&
		strings.Trim(realm, board.Letters) == ""
}

// tables are the realms of mod_db and mod_hash in which forwards stand.
type tables struct {
	admin  commander
	realms []string
}

// maxForwards bounds the forwards that are read of mod_db, one at a time.
const maxForwards = 2000

// Known implements [board.Store]: a forward stands at db/REALM/KEY or
// hash/REALM/KEY, and its key is that of the account.
func (t tables) Known(at board.Place) bool {
	realm, key := realmOf(at.How)
	return slices.Contains(t.realms, realm) && sendable(key) && keyed(key).Name == at.Account.Name
}

func realmOf(how string) (realm, key string) {
	i := strings.LastIndexByte(how, '/')
	return how[:max(0, i)], how[i+1:]
}

func (t tables) Forwards(ctx context.Context) (map[board.Place]string, error) {
	found := map[board.Place]string{}
	var dump string
	for _, how := range t.realms {
		module, realm, _ := strings.Cut(how, "/")
		if module == "db" {
			if err := t.ofDB(ctx, how, realm, found); err != nil {
				return nil, err
			}
			continue
		}
		if dump == "" {
			var err error
			if dump, err = t.dump(ctx); err != nil {
				return nil, err
			}
		}
		for key, number := range inDump(dump, realm+"_") {
			found[board.Place{Account: keyed(key), How: how + "/" + key}] = number
		}
	}
	return found, nil
}

// ofDB reads a realm of mod_db, which lists its keys and gives one value a time.
func (t tables) ofDB(ctx context.Context, how, realm string, found map[board.Place]string) error {
	list, err := t.ask(ctx, "db", "list/"+realm)
	if err != nil {
		return err
	}
	for key := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		if !sendable(key) || len(found) >= maxForwards {
			continue
		}
		number, err := t.ask(ctx, "db", "select/"+realm+"/"+key)
		if err != nil {
			return err
		}
		if number = strings.TrimSpace(number); number != "" {
			found[board.Place{Account: keyed(key), How: how + "/" + key}] = number
		}
	}
	return nil
}

// dump is what mod_hash holds: a line "D/REALM_KEY/VALUE" each.
func (t tables) dump(ctx context.Context) (string, error) {
	return t.ask(ctx, "hash_dump", "db")
}

// ask returns an answer. Where there is nothing FreeSWITCH answers that it has no
// reply, as an error.
func (t tables) ask(ctx context.Context, name, args string) (string, error) {
	answer, err := t.admin.api(ctx, name, args)
	if err != nil && strings.HasSuffix(err.Error(), ": no reply") {
		return "", nil
	}
	return answer, err
}

// inDump finds the values by the rest of the keys that begin so.
func inDump(dump, begin string) map[string]string {
	found := map[string]string{}
	for line := range strings.SplitSeq(dump, "\n") {
		rest, ok := strings.CutPrefix(line, "D/"+begin)
		if !ok || len(found) >= board.MaxListed {
			continue
		}
		if key, value, ok := strings.Cut(rest, "/"); ok && sendable(key) {
			found[key] = strings.TrimRight(value, "\r")
		}
	}
	return found
}

func (t tables) SetForward(ctx context.Context, at board.Place, number string) error {
	place, key := realmOf(at.How)
	module, realm, _ := strings.Cut(place, "/")
	return t.set(ctx, module, realm, key, number)
}

// set writes a value or, if it is "", deletes it. That there is none to delete is
// no error.
func (t tables) set(ctx context.Context, module, realm, key, value string) error {
	if !sendable(key) {
		return errors.New("cannot send a key that holds more than letters, digits and @")
	}
	order := "insert/" + realm + "/" + key + "/" + value
	if value == "" {
		order = "delete/" + realm + "/" + key
	}
	answer, err := t.admin.api(ctx, module, order)
	switch {
	case value == "" && err != nil && strings.Contains(err.Error(), "Not found"):
		return nil
	case err == nil && !strings.HasPrefix(answer, "+OK"):
		return fmt.Errorf("FreeSWITCH answers %.80q", answer)
	}
	return err
}

func (t tables) Locks(ctx context.Context) (map[guard.Account]string, error) {
	dump, err := t.dump(ctx)
	found := map[guard.Account]string{}
	for key, value := range inDump(dump, LockRealm+"_"+LockKey) {
		found[keyed(key)] = value
	}
	return found, err
}

func (t tables) SetLock(ctx context.Context, a guard.Account, value string) error {
	return t.set(ctx, "hash", LockRealm, LockKey+keyOf(a), value)
}

// keyed is the account of a key: an extension, or extension@domain.
func keyed(key string) guard.Account {
	name, domain, _ := strings.Cut(key, "@")
	return guard.Account{Name: name, Domain: strings.ToLower(domain)}
}

// keyOf is the inverse of keyed.
func keyOf(a guard.Account) string {
	if a.Domain == "" {
		return a.Name
	}
	return a.Name + "@" + a.Domain
}

// sendable says whether a key may stand in a command.
func sendable(key string) bool {
	return key != "" && len(key) <= 200 && strings.Trim(key, board.Letters+"@") == ""
}
