package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
)

var errRemoved = fmt.Errorf("%w: the table was removed on request", ErrClosed)

// inspect looks at the table and repairs it if need be. by is who changed the
// ruleset, if anybody did.
func (o *owner) inspect(by author) {
	o.looked = time.Now()
	o.look.Reset(slowLook)
	if o.removed.Load() {
		return
	}
	switch d, err := o.damage(); {
	case err != nil:
		o.fails(err)
		o.fail("look at table inet "+o.opt.Table, err)
	case d.reason != "":
		o.repair(d, by)
	default:
		o.broken = nil
		o.note(func(s *Stats) { s.Active = true })
	}
}

// fails notes that the kernel does not hold what is wanted, which is tried again
// soon.
func (o *owner) fails(err error) {
	o.broken = err
	o.note(func(s *Stats) { s.Active = false })
	o.look.Reset(retryLook)
}

// recover is called when a write showed something to be gone, which may also
// have been an element that expired within the transaction.
func (o *owner) recover() {
	d, err := o.damage()
	if err == nil && d.reason == "" {
		ops := o.waiting
		o.waiting = nil
		if err = o.write(ops); passing(err) {
			o.fails(err)
		}
		o.settled(ops, err)
		return
	}
	if err != nil {
		o.fail("look at table inet "+o.opt.Table, err)
		d = damage{"the table cannot be read", true}
	}
	o.repair(d, author{})
}

// damage looks for what is wrong with the table or its elements. Of those it
// samples one a set, which finds an emptied set.
func (o *owner) damage() (damage, error) {
	d, err := o.kernel.check()
	if err != nil || d.reason != "" {
		return d, err
	}
	if o.broken != nil {
		return damage{"bans were refused before", true}, nil
	}
	for _, s := range o.sample() {
		if has, err := o.kernel.holds(s.set, s.key); err != nil || !has {
			return damage{"set " + s.set.Name + " lost its elements", true}, err
		}
	}
	return damage{}, nil
}

// spot is an element by its set and key.
type spot struct {
	set *nftables.Set
	key netip.Addr
}

// sample picks up to one element of each set that the kernel must hold.
func (o *owner) sample() []spot {
	var out []spot
	sure := func(s stamp) bool {
		d, alive := o.want.left(s)
		return alive && (d == 0 || d > 5*time.Second)
	}
	for k, s := range o.want.v4 {
		if s&held != 0 && sure(s) {
			out = append(out, spot{o.kernel.ban4, prefix4(k).Addr()})
			break
		}
	}
	for k, s := range o.want.v6 {
		if s&held != 0 && sure(s) {
			out = append(out, spot{o.kernel.ban6, prefix6(k).Addr()})
			break
		}
	}
	for _, is4 := range []bool{true, false} {
		i := slices.IndexFunc(o.written, func(s span) bool { return s.first.Is4() == is4 && sure(s.end) })
		if i >= 0 {
			out = append(out, spot{o.kernel.spanSet(o.written[i]), o.written[i].first})
		}
	}
	return out
}

// repair makes the table whole with all wanted bans, and answers what waits
// for that.
func (o *owner) repair(d damage, by author) {
	start := time.Now()
	err := errRemoved
	for try := 0; try < 3 && !o.removed.Load(); try++ {
		if err = o.rebuild(d); !gone(err) && !errors.Is(err, errLost) {
			break
		}
		d.elements = true // it was taken away again meanwhile
	}
	err = contested(err)
	took := time.Since(start)

	ops := o.waiting
	o.waiting = nil
	o.settled(ops, err)
	o.looked = time.Now()
	o.look.Reset(slowLook)
	o.broken = nil
	o.note(func(s *Stats) { s.Active = err == nil })
	switch {
	case errors.Is(err, errRemoved):
		return
	case err != nil:
		o.fails(err)
		o.fail(fmt.Sprintf("rebuild table inet %s (%s)", o.opt.Table, d.reason), err)
		return
	}
	o.note(func(s *Stats) { s.Rebuilds++; s.LastRebuild = took })
	reason := d.reason + by.suffix()
	o.opt.Log.Warn("firewall table rebuilt", "table", o.opt.Table, "reason", reason,
		"bans", o.want.len(), "took", took)
	o.opt.OnRebuild(reason)
}

// contested says what it means that the table is gone although just made.
func contested(err error) error {
	if gone(err) || errors.Is(err, errLost) {
		return fmt.Errorf("the table is taken away faster than it can be rebuilt: %w", err)
	}
	return err
}

func (o *owner) rebuild(d damage) error {
	fresh, err := o.kernel.ensure()
	if err != nil {
		return err
	}
	if fresh || d.elements {
		o.want.forget()
	}
	return o.sync()
}
