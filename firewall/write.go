package firewall

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// chunkSize is the most elements written at once. A flush of each 1000 is the
// cheapest per element, and stays far from the 64 KiB a netlink attribute can
// hold, beyond which elements got lost without an error.
const chunkSize = 1000

// errLost says that the kernel took elements and does not have them.
var errLost = errors.New("the kernel lost elements")

// ban is a prefix with the time it goes on, 0 for until lifted.
type ban struct {
	prefix netip.Prefix
	left   time.Duration
}

// batch collects changes of the hash sets for one transaction, in order.
type batch struct {
	k    *kernel
	adds map[*nftables.Set][]nftables.SetElement
	err  error
}

func (k *kernel) batch() *batch {
	return &batch{k: k, adds: make(map[*nftables.Set][]nftables.SetElement)}
}

// ban adds a ban. Kernels before 6.12 ignore the new timeout of an element
// they have, so a known one is deleted and added in the same transaction,
// which leaves no gap.
func (b *batch) ban(e ban, known bool) {
	if known {
		b.lift(e.prefix)
	}
	s := b.k.set(e.prefix)
	b.adds[s] = append(b.adds[s], element(e.prefix, e.left))
}

// lift deletes a ban. Deleting a missing element would fail the whole
// transaction; it is added first, never seen by a packet, so none is missing.
func (b *batch) lift(p netip.Prefix) {
	s := b.k.set(p)
	b.write(s)
	one := []nftables.SetElement{element(p, 0)}
	b.err = errors.Join(b.err, b.k.conn.SetAddElements(s, one), b.k.conn.SetDeleteElements(s, one))
}

// write hands the collected bans of a set to the connection.
func (b *batch) write(s *nftables.Set) {
	if len(b.adds[s]) > 0 {
		b.err = errors.Join(b.err, b.k.conn.SetAddElements(s, b.adds[s]))
		b.adds[s] = nil
	}
}

// commit sends the transaction.
func (b *batch) commit() error {
	for s := range b.adds {
		b.write(s)
	}
	return errors.Join(b.err, writeError(b.k.conn.Flush()))
}

// load adds bans the kernel lacks, at most chunkSize, and looks whether it has
// the first, the last and a random one of them then.
func (k *kernel) load(bans []ban) error {
	if len(bans) == 0 {
		return nil
	}
	b := k.batch()
	for _, e := range bans {
		b.ban(e, false)
	}
	if err := b.commit(); err != nil {
		return err
	}
	for _, i := range []int{0, len(bans) - 1, rand.IntN(len(bans))} {
		if l := bans[i].left; l > 0 && l < time.Minute {
			continue // may have expired by now
		}
		p := bans[i].prefix
		switch has, err := k.holds(k.set(p), p.Addr()); {
		case err != nil:
			return err
		case !has:
			return fmt.Errorf("%w: %s among %d", errLost, p, len(bans))
		}
	}
	return nil
}

// remaining tells how long a stamp goes on.
type remaining func(stamp) (time.Duration, bool)

// changeSpans turns the old contents of the interval sets into the new in one
// transaction, without a gap. Where that fails, on an element that just expired
// or one somebody else put there, they are written whole.
func (k *kernel) changeSpans(old, now []span, left remaining) error {
	dead, born := minus(old, now), minus(now, old)
	if len(dead)+len(born) > chunkSize/4 {
		return k.writeSpans(now, left)
	}
	var err error
	for _, s := range dead {
		if _, alive := left(s.end); alive {
			err = errors.Join(err, k.conn.SetDeleteElements(k.spanSet(s), runElements(s, 0)))
		}
	}
	for _, s := range born {
		if d, alive := left(s.end); alive {
			err = errors.Join(err, k.conn.SetAddElements(k.spanSet(s), runElements(s, d)))
		}
	}
	if err := errors.Join(err, k.conn.Flush()); err != nil {
		return k.writeSpans(now, left)
	}
	return nil
}

// writeSpans replaces what the interval sets hold in one transaction, without a
// gap. Its cost grows with the square of their size.
func (k *kernel) writeSpans(spans []span, left remaining) error {
	elements := make(map[*nftables.Set][]nftables.SetElement)
	for _, s := range spans {
		if d, alive := left(s.end); alive {
			elements[k.spanSet(s)] = append(elements[k.spanSet(s)], runElements(s, d)...)
		}
	}
	var err error
	for _, set := range []*nftables.Set{k.net4, k.net6} {
		k.conn.FlushSet(set)
		for all := elements[set]; len(all) > 0; all = all[min(chunkSize, len(all)):] {
			err = errors.Join(err, k.conn.SetAddElements(set, all[:min(chunkSize, len(all))]))
		}
	}
	return errors.Join(err, writeError(k.conn.Flush()))
}

// runElements are the elements of a run in an interval set: its first address
// and the one behind its last. There always is one behind, as the last
// addresses of both families may never be banned.
func runElements(s span, d time.Duration) []nftables.SetElement {
	return []nftables.SetElement{
		{Key: s.first.AsSlice(), Timeout: d},
		{Key: s.last.Next().AsSlice(), IntervalEnd: true},
	}
}

// writeError says what the kernel means.
func writeError(err error) error {
	switch {
	case errors.Is(err, unix.ENFILE):
		return fmt.Errorf("%w: the set is full: %w", ErrFull, err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("the kernel has no memory for another ban: %w", err)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("the capability CAP_NET_ADMIN is missing, or another program owns the table: %w", err)
	}
	return err
}
