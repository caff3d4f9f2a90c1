package firewall

import (
	"time"

	"golang.org/x/sys/unix"
)

// write makes ops wanted and writes them to the kernel. If the kernel refuses
// them they are no longer wanted, unless it may take them later: then they come
// with the rebuilt table, for whoever asked counts on them.
func (o *owner) write(ops []op) error {
	var undo []func()
	b := o.kernel.batch()
	nets := false
	for _, op := range ops {
		p := op.prefix
		old, known := o.want.get(p)
		undo = append(undo, func() {
			o.want.delete(p)
			if known {
				o.want.put(p, old)
			}
		})
		if err := o.change(op, known); err != nil {
			undoAll(undo)
			return err
		}
		switch {
		case !hashed(p):
			nets = true
		case op.lift:
			b.lift(p)
		default:
			b.ban(ban{p, length(op.length)}, known)
		}
	}
	err := b.commit()
	if err == nil && nets {
		err = o.writeNets()
	}
	if err != nil && !passing(err) {
		undoAll(undo)
	}
	return err
}

func undoAll(undo []func()) {
	for i := len(undo) - 1; i >= 0; i-- {
		undo[i]()
	}
}

// change makes one op wanted.
func (o *owner) change(op op, known bool) error {
	p := op.prefix
	if op.lift {
		o.want.delete(p)
		delete(o.strays, p)
		if len(o.lifted) < maxLifted {
			o.lifted[p] = time.Now()
		}
		return nil
	}
	if !known && o.full(hashed(p)) {
		return ErrFull
	}
	o.want.put(p, o.want.stamp(length(op.length))|held)
	delete(o.lifted, p)
	delete(o.strays, p)
	return nil
}

// full reports whether no further ban fits, after making room.
func (o *owner) full(hash bool) bool {
	over := func() bool {
		return o.want.len() >= o.opt.Max || !hash && len(o.want.nets) >= maxNets
	}
	if over() && time.Since(o.expired) > time.Second {
		o.expired = time.Now()
		o.want.expire()
	}
	return over()
}

// writeNets brings the interval sets up to what is wanted.
func (o *owner) writeNets() error {
	s := spans(o.want.nets)
	err := o.kernel.changeSpans(o.written, s, o.want.left)
	if err == nil {
		o.written = s
	}
	return err
}

// rewriteNets does so whatever they hold.
func (o *owner) rewriteNets() error {
	o.written = spans(o.want.nets)
	return o.kernel.writeSpans(o.written, o.want.left)
}

// sync adds every wanted ban that the kernel is not known to hold, in chunks,
// between which queued bans get their turn, and writes the interval sets anew.
func (o *owner) sync() error {
	chunk := make([]ban, 0, chunkSize)
	for p, s := range o.want.hashes() {
		left, alive := o.want.left(s)
		if s&held != 0 || !alive {
			continue
		}
		chunk = append(chunk, ban{p, left})
		if len(chunk) < chunkSize {
			continue
		}
		if err := o.load(chunk); err != nil {
			return err
		}
		chunk = chunk[:0]
		if err := o.breathe(); err != nil {
			return err
		}
	}
	if err := o.load(chunk); err != nil {
		return err
	}
	return o.rewriteNets()
}

func (o *owner) load(chunk []ban) error {
	if err := o.kernel.load(chunk); err != nil {
		return err
	}
	for _, b := range chunk {
		if s, ok := o.want.get(b.prefix); ok {
			o.want.put(b.prefix, s|held)
		}
	}
	return nil
}

// breathe does a share of the queue in the middle of a sync, and stops the
// sync if the table was taken away meanwhile.
func (o *owner) breathe() error {
	select {
	case <-o.changes:
		if d, err := o.kernel.check(); err == nil && d.reason != "" {
			return unix.ENOENT
		}
	default:
	}
	select {
	case op := <-o.ops:
		return o.commit(o.collect(op))
	default:
		return nil
	}
}
