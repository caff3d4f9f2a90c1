package asterisk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"pbxguard/guard"
)

// forwardFamilies are where AstDB keeps forwards by extension: FreePBX writes
// CF, CFB and CFU (always, when busy, when nobody answers), older dial plans CFIM.
var forwardFamilies = []string{"CF", "CFB", "CFU", "CFIM"}

// forwardsEvery is how often AstDB is read. A forward by feature code shows at
// once, by the code; this finds those that were set otherwise.
const forwardsEvery = 30 * time.Second

// database is what Forwards needs of an [Admin].
type database interface {
	Tree(ctx context.Context, family string) (map[string]string, error)
	Put(ctx context.Context, family, key, value string) error
	Delete(ctx context.Context, family, key string) error
}

// Forwards watches and changes the forwards that AstDB keeps. It implements
// [guard.Switchboard].
type Forwards struct {
	pbx    string
	db     database
	events chan<- guard.Event
	log    *slog.Logger
	now    func() time.Time
	orders chan forwardOrder
	known  map[string]string // number by family and extension; nil: never read
	failed bool              // the latest reading did
}

type forwardOrder struct{ family, extension, number string }

// NewForwards returns one that has yet to [Forwards.Run]. Admin is left open.
func NewForwards(pbx string, admin *Admin, events chan<- guard.Event, log *slog.Logger) *Forwards {
	return newForwards(pbx, admin, events, log, time.Now)
}

func newForwards(pbx string, db database, events chan<- guard.Event, log *slog.Logger, now func() time.Time) *Forwards {
	return &Forwards{pbx: pbx, db: db, events: events, log: log, now: now, orders: make(chan forwardOrder, 16)}
}

// SetForward implements [guard.Switchboard]: how is a family of AstDB.
func (f *Forwards) SetForward(account guard.Account, how, number string) bool {
	o := forwardOrder{how, account.Name, number}
	if o.check() != nil {
		return false
	}
	select {
	case f.orders <- o:
		return true
	default:
		return false
	}
}

// check refuses what is no forward: extension and number come from the network.
func (o *forwardOrder) check() error {
	known := false
	for _, family := range forwardFamilies {
		known = known || family == o.family
	}
	plain := func(s, more string) bool {
		for i := range len(s) {
			if c := s[i]; (c < '0' || c > '9') && !strings.ContainsRune(more, rune(c)) {
				return false
			}
		}
		return len(s) <= 64
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-."
	if !known || o.extension == "" || !plain(o.extension, letters) || !plain(o.number, "+*#") {
		return errors.New("this is no forward")
	}
	return nil
}

// Run reads AstDB now and then, and carries orders out, until ctx is done.
func (f *Forwards) Run(ctx context.Context) error {
	tick := time.NewTicker(forwardsEvery)
	defer tick.Stop()
	f.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-f.orders:
			f.carryOut(ctx, o)
		case <-tick.C:
			f.look(ctx)
		}
	}
}

func (f *Forwards) carryOut(ctx context.Context, o forwardOrder) {
	var err error
	if o.number == "" {
		err = f.db.Delete(ctx, o.family, o.extension)
	} else {
		err = f.db.Put(ctx, o.family, o.extension, o.number)
	}
	if err != nil {
		f.log.Error("a forward cannot be changed", "pbx", f.pbx, "extension", o.extension, "family", o.family, "error", err)
		return
	}
	f.log.Info("a forward is changed", "pbx", f.pbx, "extension", o.extension, "family", o.family, "number", o.number)
	if o.number == "" {
		delete(f.known, o.family+"/"+o.extension)
	} else if f.known != nil {
		f.known[o.family+"/"+o.extension] = o.number
	}
}

// look tells of the forwards that differ from those that were there before.
func (f *Forwards) look(ctx context.Context) {
	found := map[string]string{}
	for _, family := range forwardFamilies {
		values, err := f.db.Tree(ctx, family)
		if err != nil && !strings.Contains(err.Error(), "not found") {
			f.fail(err)
			return
		}
		for key, number := range values {
			if extension, ok := strings.CutPrefix(key, "/"+family+"/"); ok && len(found) < maxListed {
				found[family+"/"+extension] = number
			}
		}
	}
	f.failed = false
	first := f.known == nil
	for key, number := range found {
		if before, ok := f.known[key]; !ok || before != number {
			f.tell(ctx, key, number, first)
		}
	}
	for key := range f.known {
		if _, ok := found[key]; !ok {
			f.tell(ctx, key, "", false)
		}
	}
	f.known = found
}

// fail says so once until it works again.
func (f *Forwards) fail(err error) {
	if !f.failed {
		f.log.Warn("forwards cannot be read", "pbx", f.pbx, "error", fmt.Errorf("AstDB: %w", err))
	}
	f.failed = true
}

func (f *Forwards) tell(ctx context.Context, key, number string, before bool) {
	family, extension, _ := strings.Cut(key, "/")
	ev := guard.Event{
		Kind: guard.ForwardSet, PBX: f.pbx, At: f.now(), Account: guard.Account{PBX: f.pbx, Name: cutText(extension)},
		Number: cutText(number), Exten: family, Up: before,
	}
	select {
	case f.events <- ev:
	case <-ctx.Done():
	}
}

// cutText cuts what came from the network.
func cutText(s string) string { return s[:min(len(s), 256)] }
