package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Dry has the methods of a [Firewall] and touches no kernel: it keeps what
// would be banned, and for how long. It needs no privileges.
type Dry struct {
	opt     Options
	refused atomic.Uint64

	mu      sync.Mutex // guards the rest
	want    *wanted
	running bool
}

// OpenDry returns a Dry that bans nobody. Of opt it uses Max.
func OpenDry(opt Options) *Dry {
	return &Dry{opt: opt.withDefaults(), want: newWanted()}
}

// Ban notes a ban as [Firewall.Ban] would make it.
func (d *Dry) Ban(p netip.Prefix, length time.Duration) bool {
	return d.ban(p, length) == nil
}

// Unban ends the ban of exactly p.
func (d *Dry) Unban(p netip.Prefix) bool {
	return d.unban(p) == nil
}

// BanNow is Ban with the reason why not.
func (d *Dry) BanNow(ctx context.Context, p netip.Prefix, length time.Duration) error {
	if err := d.ban(p, length); err != nil {
		return fmt.Errorf("cannot ban %s: %w", p, err)
	}
	return ctx.Err()
}

// UnbanNow is Unban with the reason why not.
func (d *Dry) UnbanNow(ctx context.Context, p netip.Prefix) error {
	if err := d.unban(p); err != nil {
		return fmt.Errorf("cannot unban %s: %w", p, err)
	}
	return ctx.Err()
}

func (d *Dry) ban(p netip.Prefix, l time.Duration) error {
	p, err := normal(p)
	if err != nil {
		d.refused.Add(1)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.want.get(p); !known && d.want.len() >= d.opt.Max {
		if d.want.expire(); d.want.len() >= d.opt.Max {
			return ErrFull
		}
	}
	d.want.put(p, d.want.stamp(length(l)))
	return nil
}

func (d *Dry) unban(p netip.Prefix) error {
	p, err := normal(p)
	if err != nil {
		d.refused.Add(1)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want.delete(p)
	return nil
}

// Settle returns at once: nothing is ever queued.
func (d *Dry) Settle(context.Context) error { return nil }

// Holds reports whether an address would be dropped now.
func (d *Dry) Holds(a netip.Addr) bool {
	a = a.Unmap()
	d.mu.Lock()
	defer d.mu.Unlock()
	for bits := 1; bits <= a.BitLen(); bits++ {
		if s, ok := d.want.get(netip.PrefixFrom(a, bits).Masked()); ok {
			if _, alive := d.want.left(s); alive {
				return true
			}
		}
	}
	return false
}

// Reconcile notes what want lists. There is nothing to adopt.
func (d *Dry) Reconcile(ctx context.Context, want []Entry, _ func(Entry)) error {
	var r reconcile
	for _, e := range want {
		left := time.Until(e.Until)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case e.Until.IsZero():
			left = 0
		case left < shortest:
			continue
		}
		if err := d.ban(e.Prefix, left); err != nil {
			r.leave(e.Prefix, err)
		}
	}
	return r.complaint()
}

// Run forgets expired bans until ctx ends.
func (d *Dry) Run(ctx context.Context) error {
	d.set(true)
	defer d.set(false)
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			d.mu.Lock()
			d.want.expire()
			d.want.shrink()
			d.mu.Unlock()
		}
	}
}

func (d *Dry) set(running bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = running
}

// Stats reports the state. Active says that Run is running.
func (d *Dry) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Stats{Active: d.running, Elements: d.want.len(), Refused: d.refused.Load()}
}

// RemoveTable lifts every ban.
func (d *Dry) RemoveTable(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	*d.want = *newWanted()
	return nil
}

// Close does nothing.
func (d *Dry) Close() error { return nil }
