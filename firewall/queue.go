package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

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

// Settle returns once every Ban and Unban that was queued before it is in the
// kernel, or could not be put there, which [Options.OnError] is told. The error
// says why the kernel does not hold all bans now; they are tried again and again.
// It needs Run.
func (f *Firewall) Settle(ctx context.Context) error {
	var broken error
	if err := f.do(ctx, func(o *owner) { o.drain(); broken = o.broken }); err != nil {
		return fmt.Errorf("cannot wait for the firewall: %w", err)
	}
	if broken != nil {
		return fmt.Errorf("the kernel does not hold the bans: %w", broken)
	}
	return nil
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
