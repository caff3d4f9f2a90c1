package asterisk

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"pbxguard/adapters/internal/board"
	"pbxguard/guard"
)

// forwardFamilies are where AstDB keeps forwards by extension: FreePBX writes
// CF, CFB and CFU (always, when busy, when nobody answers), older dial plans CFIM.
var forwardFamilies = []string{"CF", "CFB", "CFU", "CFIM"}

// LockFamily is where AstDB keeps locks by extension, for dial plans to look at:
// ${DB(pbxguard/lock/100)}.
const LockFamily = "pbxguard/lock"

// database is what [NewSwitchboard] needs of an [Admin].
type database interface {
	Tree(ctx context.Context, family string) (map[string]string, error)
	Put(ctx context.Context, family, key, value string) error
	Delete(ctx context.Context, family, key string) error
}

// NewSwitchboard returns one that watches and changes what AstDB keeps, and has
// yet to run. Admin is left open.
func NewSwitchboard(pbx string, admin *Admin, events chan<- guard.Event, log *slog.Logger) *board.Board {
	return board.New(pbx, astDB{admin}, events, log, time.Now)
}

// astDB keeps forwards by family and extension. It knows no domains.
type astDB struct{ db database }

func (d astDB) Known(at board.Place) bool { return slices.Contains(forwardFamilies, at.How) }

func (d astDB) Forwards(ctx context.Context) (map[board.Place]string, error) {
	found := map[board.Place]string{}
	for _, family := range forwardFamilies {
		values, err := d.tree(ctx, family)
		if err != nil {
			return nil, err
		}
		for extension, number := range values {
			if len(found) < board.MaxListed {
				found[board.Place{Account: guard.Account{Name: extension}, How: family}] = number
			}
		}
	}
	return found, nil
}

// tree is a family of AstDB by the keys within it.
func (d astDB) tree(ctx context.Context, family string) (map[string]string, error) {
	values, err := d.db.Tree(ctx, family)
	if err != nil && !strings.Contains(err.Error(), "not found") {
		return nil, fmt.Errorf("AstDB: %w", err)
	}
	within := map[string]string{}
	for key, value := range values {
		if rest, ok := strings.CutPrefix(key, "/"+family+"/"); ok {
			within[rest] = value
		}
	}
	return within, nil
}

func (d astDB) SetForward(ctx context.Context, at board.Place, number string) error {
	return d.set(ctx, at.How, at.Account.Name, number)
}

func (d astDB) set(ctx context.Context, family, key, value string) error {
	if value == "" {
		return d.db.Delete(ctx, family, key)
	}
	return d.db.Put(ctx, family, key, value)
}

func (d astDB) Locks(ctx context.Context) (map[guard.Account]string, error) {
	values, err := d.tree(ctx, LockFamily)
	found := map[guard.Account]string{}
	for extension, value := range values {
		found[guard.Account{Name: extension}] = value
	}
	return found, err
}

func (d astDB) SetLock(ctx context.Context, a guard.Account, value string) error {
	return d.set(ctx, LockFamily, a.Name, value)
}
