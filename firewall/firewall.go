// Package firewall keeps one nftables table equal to the bans it is told of.
//
// The table "inet pbxguard" holds two hash sets, of IPv4 addresses and of IPv6
// /64 prefixes, whose cost does not grow with their size, and two small
// interval sets for every other prefix. What comes from a banned address is
// dropped in prerouting, before connection tracking, and what goes to one in
// output and forward, so that a call already up falls silent in both
// directions. The kernel times bans out by itself: they go on when this
// process dies and end though it is dead.
//
// A [Firewall] is driven by one goroutine, [Firewall.Run], which alone owns the
// wanted bans and the netlink connection. When somebody else's transaction
// takes the table away (nft flush ruleset, a start of nftables.service), it is
// rebuilt from the wanted bans. So a ban is lifted with [Firewall.Unban]: an
// element deleted by hand may come back. No process is ever started.
package firewall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/nftables"
)

const (
	// DefaultTable is the name of the table in the inet family.
	DefaultTable = "pbxguard"
	// DefaultMax is the greatest number of bans held at once: as many as a policy
	// may want. A million cost the kernel 94 to 143 MB.
	DefaultMax = 4_000_000

	queueLen = 16384 // bans waiting for the kernel before Ban says no
)

var (
	// ErrFull says that no further ban fits, by Options.Max, by the limit of
	// 4096 prefixes that are neither an IPv4 address nor an IPv6 /64, or by
	// the size of a set somebody else made.
	ErrFull = errors.New("no room for another ban")
	// ErrClosed says that Run has ended, so that nobody answers.
	ErrClosed = errors.New("firewall is closed")
)

// Entry is one ban.
type Entry struct {
	Prefix netip.Prefix
	Until  time.Time // wall clock; zero is until lifted
}

// Options adjusts a Firewall. The zero value is ready for use.
type Options struct {
	Table string       // name of the table, DefaultTable if empty
	Max   int          // greatest number of bans, DefaultMax if zero
	Log   *slog.Logger // nothing is logged if nil

	// OnRebuild is told why the table had to be made whole again, after that
	// was done. It runs in the goroutine of Run and must not block.
	OnRebuild func(reason string)
	// OnError is told what could not be done for a queued ban or in keeping
	// the table; the same words at most once a second. It runs in the
	// goroutine of Run and must not block.
	OnError func(error)
}

// Stats is the state of a Firewall at one moment.
type Stats struct {
	Active      bool // Run is running and found the table whole when it last looked
	Elements    int  // bans wanted, some of them expired within the last half minute
	Queued      int  // bans and unbans waiting for the kernel
	Dropped     uint64
	Refused     uint64
	Rebuilds    uint64        // times the table was made whole again
	LastRebuild time.Duration // how long the last time took
	Errors      uint64
	LastError   string
}

// Firewall keeps the table. Its methods may be called from any goroutine.
type Firewall struct {
	opt    Options
	kernel *kernel

	ops     chan op
	calls   chan func(*owner)
	started atomic.Bool
	stopped chan struct{} // closed when Run has ended
	removed atomic.Bool   // RemoveTable was called: nothing is rebuilt

	dropped, refused atomic.Uint64
	mu               sync.Mutex // guards stats, which the owner writes
	stats            Stats
}

// Open connects to the kernel and creates the table and what is missing in it.
// What a live table holds stays in force. It needs CAP_NET_ADMIN. Nothing is
// banned until Run runs.
func Open(opt Options) (*Firewall, error) {
	opt = opt.withDefaults()
	k, err := openKernel(opt.Table)
	if err != nil {
		return nil, err
	}
	f := &Firewall{
		opt: opt, kernel: k,
		ops:     make(chan op, queueLen),
		calls:   make(chan func(*owner)),
		stopped: make(chan struct{}),
	}
	return f, nil
}

func (o Options) withDefaults() Options {
	o.Table = cmp.Or(o.Table, DefaultTable)
	o.Max = cmp.Or(o.Max, DefaultMax)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnRebuild == nil {
		o.OnRebuild = func(string) {}
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return o
}

// Stats reports the state.
func (f *Firewall) Stats() Stats {
	f.mu.Lock()
	s := f.stats
	f.mu.Unlock()
	s.Queued = len(f.ops)
	s.Dropped = f.dropped.Load()
	s.Refused = f.refused.Load()
	return s
}

// note lets the owner change the statistics.
func (f *Firewall) note(change func(*Stats)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.stats)
}

// Close ends the connection to the kernel; the bans stay in force. Run must
// have ended before.
func (f *Firewall) Close() error {
	if err := f.kernel.close(); err != nil {
		return fmt.Errorf("cannot close the netlink connection: %w", err)
	}
	return nil
}

// RemoveTable deletes the table and so lifts every ban. Nothing is rebuilt
// afterwards, even while Run runs. A table that is not there is no error.
func (f *Firewall) RemoveTable(ctx context.Context) error {
	f.removed.Store(true)
	remove := func() error { return removeTable(f.kernel.conn, f.opt.Table) }
	if !f.started.Load() {
		return remove()
	}
	// In the owner's goroutine no rebuild can be half done.
	var err error
	asked := f.do(ctx, func(*owner) { err = remove() })
	if errors.Is(asked, ErrClosed) {
		return remove()
	}
	return errors.Join(asked, err)
}

// Remove deletes the named table of the inet family, DefaultTable if empty,
// without opening it first, as the removal of the package needs it. A table
// that is not there is no error.
func Remove(table string) error {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return fmt.Errorf("cannot open a netlink connection: %w", err)
	}
	return errors.Join(removeTable(conn, cmp.Or(table, DefaultTable)), conn.CloseLasting())
}
