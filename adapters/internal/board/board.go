// Package board watches and changes what a PBX keeps about its extensions in a
// database of its own: where their calls are forwarded to, and which are locked.
package board

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"pbxguard/guard"
)

// every is how often the PBX is asked. A forward by feature code shows at once,
// by the code; this finds those that were set otherwise.
const every = 30 * time.Second

// MaxListed bounds the entries that are taken of one list.
const MaxListed = 100_000

// Place is where a forward stands.
type Place struct {
	Account guard.Account
	How     string // in the PBX's own words
}

// Store is a PBX's database. An account in it has no PBX.
type Store interface {
	Forwards(context.Context) (map[Place]string, error)
	// SetForward writes a forward or, with number "", takes it away.
	SetForward(ctx context.Context, at Place, number string) error
	// Known says whether a forward may stand somewhere.
	Known(Place) bool
	Locks(context.Context) (map[guard.Account]string, error)
	// SetLock writes a lock or, with value "", takes it away.
	SetLock(ctx context.Context, a guard.Account, value string) error
}

// Board is the switchboard of one PBX. It implements [guard.Switchboard].
type Board struct {
	pbx    string
	store  Store
	events chan<- guard.Event
	log    *slog.Logger
	now    func() time.Time
	orders chan order
	locks  chan map[guard.Account]string // the latest that are wanted
	soon   chan struct{}

	known  map[Place]string // forwards; nil: never read
	wanted map[guard.Account]string
	failed map[string]bool // what did not work last time
}

type order struct {
	Place
	number string
}

// New returns one that has yet to [Board.Run].
func New(pbx string, store Store, events chan<- guard.Event, log *slog.Logger, now func() time.Time) *Board {
	return &Board{
		pbx: pbx, store: store, events: events, log: log, now: now, failed: map[string]bool{},
		orders: make(chan order, 16), locks: make(chan map[guard.Account]string, 1), soon: make(chan struct{}, 1),
	}
}

// SetForward implements [guard.Switchboard].
func (b *Board) SetForward(account guard.Account, how, number string) bool {
	account.PBX = ""
	o := order{Place{account, how}, number}
	if !b.store.Known(o.Place) || !plain(account) || !digits(number) {
		return false
	}
	select {
	case b.orders <- o:
		return true
	default:
		return false
	}
}

// SetLocks implements [guard.Switchboard].
func (b *Board) SetLocks(locks []guard.Locked) bool {
	wanted := map[guard.Account]string{}
	for _, l := range locks {
		l.Account.PBX = ""
		if plain(l.Account) {
			wanted[l.Account] = l.String()
		}
	}
	for {
		select {
		case b.locks <- wanted:
			return true
		default:
		}
		select {
		case <-b.locks: // an older one that nobody has taken yet
		default:
		}
	}
}

// Look implements [guard.Switchboard].
func (b *Board) Look() bool {
	select {
	case b.soon <- struct{}{}:
	default:
	}
	return true
}

// Run reads the PBX's database now and then, and carries orders out, until ctx is
// done.
func (b *Board) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	b.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-b.orders:
			b.carryOut(ctx, o)
		case b.wanted = <-b.locks:
			b.lock(ctx)
		case <-b.soon:
			b.known = nil // all are told again
			b.look(ctx)
		case <-tick.C:
			b.look(ctx)
			b.lock(ctx)
		}
	}
}

func (b *Board) carryOut(ctx context.Context, o order) {
	if err := b.store.SetForward(ctx, o.Place, o.number); err != nil {
		b.log.Error("a forward cannot be changed", "pbx", b.pbx, "extension", o.Account.Name, "where", o.How, "error", err)
		return
	}
	b.log.Info("a forward is changed", "pbx", b.pbx, "extension", o.Account.Name, "where", o.How, "number", o.number)
	for at := range b.known {
		if at.How == o.How && at.Account.Name == o.Account.Name {
			delete(b.known, at)
			if o.number != "" {
				b.known[at] = o.number
			}
			return
		}
	}
	if o.number != "" && b.known != nil {
		b.known[o.Place] = o.number
	}
}

// look tells of the forwards that differ from those that were there before.
func (b *Board) look(ctx context.Context) {
	found, err := b.store.Forwards(ctx)
	if b.fails("forwards cannot be read", err) {
		return
	}
	first := b.known == nil
	for at, number := range found {
		if before, ok := b.known[at]; !ok || before != number {
			b.tell(ctx, at, number, first)
		}
	}
	for at := range b.known {
		if _, ok := found[at]; !ok {
			b.tell(ctx, at, "", false)
		}
	}
	b.known = found
}

// lock makes the locks in the database those that are wanted. Nothing is done
// before the guard has said which they are.
func (b *Board) lock(ctx context.Context) {
	if b.wanted == nil {
		return
	}
	there, err := b.store.Locks(ctx)
	if len(b.wanted) == 0 && err != nil || b.fails("locks cannot be read: dial plans know nothing of them", err) {
		return // with none to make it is no matter
	}
	var faults []error
	for a, value := range b.wanted {
		if there[a] != value {
			faults = append(faults, b.store.SetLock(ctx, a, value))
		}
	}
	for a := range there {
		if _, ok := b.wanted[a]; !ok {
			faults = append(faults, b.store.SetLock(ctx, a, ""))
		}
	}
	b.fails("locks cannot be written: dial plans know nothing of them", errors.Join(faults...))
}

// fails says so once until it works again.
func (b *Board) fails(what string, err error) bool {
	if err != nil && !b.failed[what] {
		b.log.Warn(what, "pbx", b.pbx, "error", err)
	}
	b.failed[what] = err != nil
	return err != nil
}

func (b *Board) tell(ctx context.Context, at Place, number string, before bool) {
	at.Account.PBX, at.Account.Name = b.pbx, cut(at.Account.Name)
	ev := guard.Event{
		Kind: guard.ForwardSet, PBX: b.pbx, At: b.now(), Account: at.Account,
		Number: cut(number), Exten: at.How, Up: before,
	}
	select {
	case b.events <- ev:
	case <-ctx.Done():
	}
}

// cut cuts what came from the network.
func cut(s string) string { return s[:min(len(s), 256)] }

// Letters are what names may be made of that stand in commands: they come from the
// network, and a line feed or a slash means something to a PBX.
const Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

// plain refuses what is no extension.
func plain(a guard.Account) bool {
	return a.Name != "" && len(a.Name) <= 64 && len(a.Domain) <= 128 &&
		strings.Trim(a.Name, Letters) == "" && strings.Trim(a.Domain, Letters) == ""
}

func digits(number string) bool {
	return len(number) <= 64 && strings.Trim(number, "0123456789+*#") == ""
}
