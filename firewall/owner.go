package firewall

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	maxBatch   = 256                    // changes in one transaction
	settle     = 20 * time.Millisecond  // least time between two looks at the table
	retryLook  = 250 * time.Millisecond // after a look or a repair that failed
	slowLook   = 10 * time.Second       // between looks that nothing asked for
	sweepEvery = 30 * time.Second
	liftMemory = time.Minute // how long Reconcile knows what was lifted
	maxLifted  = 65536
)

// op is one change asked for.
type op struct {
	prefix netip.Prefix
	length time.Duration // 0 or less is until lifted
	lift   bool
	done   chan<- error // nil if nobody waits; has room for the answer
}

func (o op) answer(err error) {
	if o.done != nil {
		o.done <- err
	}
}

// owner is the state of a running firewall. Only the goroutine of Run has it.
type owner struct {
	*Firewall
	want *wanted
	reap *reaper

	strays  map[netip.Prefix]bool      // prefixes found in the interval sets at the start, told by nobody
	lifted  map[netip.Prefix]time.Time // lifted lately
	waiting []op                       // to be answered once the table is whole again
	written []span                     // what the interval sets hold
	expired time.Time                  // when a full set last made us look for expired bans
	changes chan author                // other programs' transactions
	by      author                     // of the last of them
	looked  time.Time                  // when the table was last looked at
	look    *time.Timer                // when to do so next

	// broken is why the kernel does not hold all that is wanted, nil if it does.
	broken    error
	lastErr   string
	lastErrAt time.Time
}

// Run does what is queued and keeps the table whole until ctx ends. It then
// does what is still queued and returns nil; the bans stay in force.
func (f *Firewall) Run(ctx context.Context) error {
	if !f.started.CompareAndSwap(false, true) {
		return errors.New("firewall runs already or has ended")
	}
	defer close(f.stopped)
	o := &owner{
		Firewall: f, want: newWanted(), reap: newReaper(f.opt.Log),
		strays:  make(map[netip.Prefix]bool),
		lifted:  make(map[netip.Prefix]time.Time),
		changes: make(chan author, 1),
		look:    time.NewTimer(0),
	}
	if err := o.findStrays(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	aside, stop := context.WithCancel(ctx)
	done := make(chan struct{}, 2)
	go func() { watch(aside, f.kernel.port, o.changes, f.opt.Log); done <- struct{}{} }()
	go func() { o.reap.run(aside); done <- struct{}{} }()
	defer func() { stop(); <-done; <-done }()

	o.loop(ctx)
	o.note(func(s *Stats) { s.Active = false })
	return nil
}

func (o *owner) loop(ctx context.Context) {
	defer o.look.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			o.drain()
			return
		case op := <-o.ops:
			o.apply(op)
		case fn := <-o.calls:
			fn(o)
		case by := <-o.changes:
			o.by = by
			// A flood of transactions costs 50 looks a second.
			o.look.Reset(max(0, settle-time.Since(o.looked)))
		case <-o.look.C:
			o.inspect(o.by)
			o.by = author{}
		case <-sweep.C:
			o.sweep()
		}
		o.note(func(s *Stats) { s.Elements = o.want.len() })
	}
}

// drain does what is queued.
func (o *owner) drain() {
	for {
		select {
		case op := <-o.ops:
			o.apply(op)
		default:
			return
		}
	}
}

func (o *owner) sweep() {
	o.want.expire()
	o.want.shrink()
	for p, at := range o.lifted {
		if time.Since(at) > liftMemory {
			delete(o.lifted, p)
		}
	}
}

// apply does first and what else is queued in one transaction, and repairs the
// table if that shows it to be gone.
func (o *owner) apply(first op) {
	if o.commit(o.collect(first)) == nil {
		return
	}
	o.recover()
}

func (o *owner) collect(first op) []op {
	ops := []op{first}
	for len(ops) < maxBatch {
		select {
		case op := <-o.ops:
			ops = append(ops, op)
		default:
			return ops
		}
	}
	return ops
}

// commit does ops in one transaction; if the kernel refuses it, each in its
// own, so that one cannot spoil the others. It answers them all, unless it
// returns an error: then the table is not what it should be, and they wait.
func (o *owner) commit(ops []op) error {
	err := o.write(ops)
	switch {
	case err == nil:
		o.settled(ops, nil)
		return nil
	case passing(err):
		o.waiting = append(o.waiting, ops...)
		return err
	case len(ops) == 1:
		o.settled(ops, err)
		return nil
	}
	for i := range ops {
		if err := o.commit(ops[i : i+1]); err != nil {
			o.waiting = append(o.waiting, ops[i+1:]...)
			return err
		}
	}
	return nil
}

// settled answers ops that were done together.
func (o *owner) settled(ops []op, err error) {
	for _, op := range ops {
		if err == nil && !op.lift {
			o.reap.ban(op.prefix)
		}
		if err != nil && op.done == nil {
			o.fail(op.verb()+" "+op.prefix.String(), err)
		}
		op.answer(err)
	}
}

func (o op) verb() string {
	if o.lift {
		return "unban"
	}
	return "ban"
}

// fail records and reports what nobody waits for. The same cause is reported
// once a second, however many bans it stops.
func (o *owner) fail(what string, cause error) {
	err := fmt.Errorf("cannot %s: %w", what, cause)
	o.note(func(s *Stats) { s.Errors++; s.LastError = err.Error() })
	if cause.Error() == o.lastErr && time.Since(o.lastErrAt) < time.Second {
		return
	}
	o.lastErr, o.lastErrAt = cause.Error(), time.Now()
	o.opt.OnError(err)
}
