package firewall

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// slack is how far the kernel's and the wanted end of a ban may lie apart
// without being different: one is rounded to seconds, the other is read late.
const slack = 3 * time.Second

// maxComplaints bounds the entries of want named in an error of Reconcile.
const maxComplaints = 10

// Reconcile makes the kernel hold what want lists and adopts what it holds
// beyond that: bans that a crash kept out of the store. It tells adopt, in the
// caller's goroutine, of each ban that the kernel has and neither want nor this
// process knows, or that lasts longer there than want says; those stay in
// force. Call Unban from adopt for one that must not. A ban told by [Firewall.Ban]
// or lifted within the last minute wins over want, which may be older.
//
// It needs Run, which goes on serving Ban meanwhile. Nothing is flushed, so a
// start need not wait for it: to list a million elements that are in force
// already takes a minute and more, a hundred thousand a quarter second.
// An entry of want that may never be banned or does not fit is left out and comes
// back in the error.
func (f *Firewall) Reconcile(ctx context.Context, want []Entry, adopt func(Entry)) error {
	r := reconcile{f: f, adopt: adopt}
	var failed error
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return f.do(ctx, func(o *owner) { o.want.forget() }) },
		func(ctx context.Context) error { return r.learn(ctx, want) },
		func(ctx context.Context) error { return r.compare(ctx, f.kernel.ban4.Name) },
		func(ctx context.Context) error { return r.compare(ctx, f.kernel.ban6.Name) },
		r.compareNets,
		func(ctx context.Context) error {
			return errors.Join(f.do(ctx, func(o *owner) { failed = o.syncOrRepair() }), failed)
		},
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("cannot reconcile the bans with the kernel: %w", err)
		}
	}
	return r.complaint()
}

// reconcile is one run of Reconcile.
type reconcile struct {
	f       *Firewall
	adopt   func(Entry)
	left    int // entries of want left out
	reasons []error
}

func (r *reconcile) leave(p netip.Prefix, err error) {
	if r.left++; r.left <= maxComplaints {
		r.reasons = append(r.reasons, fmt.Errorf("%s: %w", p, err))
	}
}

func (r *reconcile) complaint() error {
	if r.left == 0 {
		return nil
	}
	return fmt.Errorf("cannot ban %d entries: %w", r.left, errors.Join(r.reasons...))
}

// learn makes want wanted, not yet written.
func (r *reconcile) learn(ctx context.Context, want []Entry) error {
	for chunk := range slices.Chunk(want, chunkSize) {
		err := r.f.do(ctx, func(o *owner) {
			for _, e := range chunk {
				if p, err := normal(e.Prefix); err != nil {
					r.leave(e.Prefix, err)
				} else if err := o.learn(p, e.Until); err != nil {
					r.leave(p, err)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// learn makes a ban of the store wanted.
func (o *owner) learn(p netip.Prefix, until time.Time) error {
	d := time.Duration(0)
	if !until.IsZero() {
		if d = time.Until(until); d < shortest {
			return nil
		}
	}
	old, known := o.want.get(p)
	s := o.want.stamp(d)
	stray := o.strays[p]
	switch _, lifted := o.lifted[p]; {
	case lifted:
		return nil
	case known && stray:
		if longer(old, s) { // compareNets tells adopt
			return nil
		}
	case known && !later(s, old&^held):
		return nil
	case !known && o.full(hashed(p)):
		return ErrFull
	}
	delete(o.strays, p)
	o.want.put(p, s)
	return nil
}

// longer reports whether a ends after b by more than slack.
func longer(a, b stamp) bool {
	a, b = a&^held, b&^held
	return later(a, b) && (a == 0 || a-b > stamp(slack/time.Second))
}

// compare walks a hash set of the kernel beside what is wanted.
func (r *reconcile) compare(ctx context.Context, set string) error {
	var counting time.Time // since when the kernel counts its way to the next elements
	visit := func(elements []dumped) error {
		counted := time.Since(counting)
		defer func() { letBansIn(counted); counting = time.Now() }()
		var found []Entry
		err := r.f.do(ctx, func(o *owner) { found = o.compare(elements) })
		for _, e := range found {
			r.adopt(e)
		}
		return err
	}
	for try := 0; ; try++ {
		start := time.Now()
		counting = start
		err := dump(ctx, r.f.opt.Table, set, visit)
		switch {
		case gone(err):
			return nil // and about to be rebuilt
		case !errors.Is(err, errInterrupted):
			return err
		case try == 2 || time.Since(start) > 2*time.Second:
			// Bans come too fast, or the set is too big, to see it at rest. What
			// was passed over is written once more, which changes nothing.
			return nil
		}
	}
}

// letBansIn waits twice as long as the kernel has counted, if that was long: a ban
// that is written meanwhile takes effect only once the counting pauses, because
// the kernel lets nobody read a set while it puts a change in force. A million
// elements are listed in a minute and a half instead of half a minute, behind the
// work; a hundred thousand need no pause.
func letBansIn(counted time.Duration) {
	if counted > time.Millisecond {
		time.Sleep(2 * counted)
	}
}

// compare returns what of the kernel's elements nobody knew.
func (o *owner) compare(elements []dumped) []Entry {
	var found []Entry
	for _, e := range elements {
		p := hashPrefix(e.key)
		if _, lifted := o.lifted[p]; lifted {
			continue // listed before it was lifted
		}
		s := o.want.stamp(e.left)
		old, known := o.want.get(p)
		switch {
		case known && old&held != 0: // written since the start of Reconcile
		case known && longer(old, s):
			o.rewrite(p, old) // sync only adds, and the kernel may ignore a new timeout
		case known && !longer(s, old):
			o.want.put(p, old|held)
		default:
			o.want.put(p, s|held)
			found = append(found, Entry{p, until(e.left)})
		}
	}
	return found
}

// rewrite replaces an element that ends too early.
func (o *owner) rewrite(p netip.Prefix, s stamp) {
	d, alive := o.want.left(s)
	if !alive {
		return
	}
	b := o.kernel.batch()
	b.ban(ban{p, d}, true)
	if err := b.commit(); err != nil {
		o.fail("extend the ban of "+p.String(), err)
		return
	}
	o.want.put(p, s|held)
}

// until turns a length into the wall clock.
func until(left time.Duration) time.Time {
	if left == 0 {
		return time.Time{}
	}
	return time.Now().Add(left).Round(0)
}

// syncOrRepair writes what the kernel lacks.
func (o *owner) syncOrRepair() error {
	err := o.sync()
	if err == nil || !gone(err) && !errors.Is(err, errLost) {
		return err
	}
	if o.removed.Load() {
		return errRemoved
	}
	o.recover()
	return contested(o.sync()) // or later, by the next look at the table
}
