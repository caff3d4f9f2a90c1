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
// rebuilt from the wanted bans. No process is ever started.
package firewall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultTable is the name of the table in the inet family.
	DefaultTable = "pbxguard"
	// DefaultMax is the greatest number of bans held at once. A million cost
	// the kernel 94 to 143 MB.
	DefaultMax = 1_000_000

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
	if o.Table == "" {
		o.Table = DefaultTable
	}
	if o.Max == 0 {
		o.Max = DefaultMax
	}
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

// Ban queues a ban of p for d and returns at once; d <= 0 is until lifted. A
// ban already there takes the new length, be it longer or shorter. Lengths
// under 100 ms count as 100 ms. It reports false, and counts it in Stats, if
// the queue is full or p may never be banned (see [ErrRefused]).
func (f *Firewall) Ban(p netip.Prefix, d time.Duration) bool {
	return f.queue(op{prefix: p, length: d})
}

// Unban queues the end of the ban of exactly p and returns at once. It reports
// false as Ban does. A ban that is not there is no error.
func (f *Firewall) Unban(p netip.Prefix) bool {
	return f.queue(op{prefix: p, lift: true})
}

func (f *Firewall) queue(o op) bool {
	p, err := normal(o.prefix)
	if err != nil {
		f.refused.Add(1)
		return false
	}
	o.prefix = p
	select {
	case <-f.stopped:
		f.dropped.Add(1)
		return false
	default:
	}
	select {
	case f.ops <- o:
		return true
	default:
		f.dropped.Add(1)
		return false
	}
}

// BanNow is Ban, and waits for the kernel's answer, which needs Run.
func (f *Firewall) BanNow(ctx context.Context, p netip.Prefix, d time.Duration) error {
	if err := f.ask(ctx, op{prefix: p, length: d}); err != nil {
		return fmt.Errorf("cannot ban %s: %w", p, err)
	}
	return nil
}

// UnbanNow is Unban, and waits for the kernel's answer.
func (f *Firewall) UnbanNow(ctx context.Context, p netip.Prefix) error {
	if err := f.ask(ctx, op{prefix: p, lift: true}); err != nil {
		return fmt.Errorf("cannot unban %s: %w", p, err)
	}
	return nil
}

func (f *Firewall) ask(ctx context.Context, o op) error {
	p, err := normal(o.prefix)
	if err != nil {
		f.refused.Add(1)
		return err
	}
	done := make(chan error, 1)
	o.prefix, o.done = p, done
	select {
	case f.ops <- o:
	case <-f.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-f.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do runs fn in the goroutine that owns the state, and waits for its end.
func (f *Firewall) do(ctx context.Context, fn func(*owner)) error {
	done := make(chan struct{})
	select {
	case f.calls <- func(o *owner) { fn(o); close(done) }:
		<-done
		return nil
	case <-f.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
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
	if f.started.Load() {
		// In the owner's goroutine no rebuild can be half done.
		var err error
		switch asked := f.do(ctx, func(*owner) { err = Remove(f.opt.Table) }); {
		case asked == nil:
			return err
		case !errors.Is(asked, ErrClosed):
			return asked
		}
	}
	return Remove(f.opt.Table)
}

// Remove deletes the named table of the inet family without opening it first,
// as the removal of the package needs it. A table that is not there is no
// error.
func Remove(table string) error {
	if table == "" {
		table = DefaultTable
	}
	if err := removeTable(table); err != nil {
		return fmt.Errorf("cannot remove table inet %s: %w", table, err)
	}
	return nil
}
