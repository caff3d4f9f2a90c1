package firewall

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"time"
)

// maxNets bounds the prefixes in the interval sets. Each change rewrites them,
// and the rewrite has to fit one transaction.
const maxNets = 4096

// stamp is the end of a ban in whole seconds of the firewall's clock, 0 for
// none, and in the top bit whether the kernel is known to hold it.
type stamp uint32

const held stamp = 1 << 31

// farthest is the longest length kept as such; a longer one is until lifted.
const farthest = 50 * 365 * 24 * time.Hour

// wanted is the set of bans that should be in force, small enough to keep a
// million: 4 or 8 bytes of key, 4 of value, no pointers. It measures time on
// the monotonic clock, as the kernel's timeouts do, so a step of the wall
// clock ends nothing.
type wanted struct {
	v4   map[uint32]stamp       // IPv4 addresses
	v6   map[uint64]stamp       // upper halves of IPv6 /64 prefixes
	nets map[netip.Prefix]stamp // every other prefix
	base time.Time

	most4, most6 int // most entries since the map was made
}

func newWanted() *wanted {
	return &wanted{
		v4:   make(map[uint32]stamp),
		v6:   make(map[uint64]stamp),
		nets: make(map[netip.Prefix]stamp),
		base: time.Now(),
	}
}

func (w *wanted) len() int { return len(w.v4) + len(w.v6) + len(w.nets) }

// stamp makes a stamp for a ban of that length from now; 0 is until lifted. It
// rounds up: a rebuilt ban may end a second late, never early.
func (w *wanted) stamp(d time.Duration) stamp {
	if d == 0 || d > farthest {
		return 0
	}
	return stamp((time.Since(w.base) + d + time.Second - 1) / time.Second)
}

// left returns how long a ban goes on, 0 for one until lifted, and whether it
// goes on at all.
func (w *wanted) left(s stamp) (time.Duration, bool) {
	end := time.Duration(s&^held) * time.Second
	if end == 0 {
		return 0, true
	}
	d := end - time.Since(w.base)
	return d, d >= shortest
}

// get returns the stamp of p and whether there is one, expired or not.
func (w *wanted) get(p netip.Prefix) (stamp, bool) {
	var s stamp
	var ok bool
	switch {
	case !hashed(p):
		s, ok = w.nets[p]
	case p.Addr().Is4():
		s, ok = w.v4[key4(p)]
	default:
		s, ok = w.v6[key6(p)]
	}
	return s, ok
}

func (w *wanted) put(p netip.Prefix, s stamp) {
	switch {
	case !hashed(p):
		w.nets[p] = s
	case p.Addr().Is4():
		w.v4[key4(p)] = s
	default:
		w.v6[key6(p)] = s
	}
}

func (w *wanted) delete(p netip.Prefix) {
	switch {
	case !hashed(p):
		delete(w.nets, p)
	case p.Addr().Is4():
		delete(w.v4, key4(p))
	default:
		delete(w.v6, key6(p))
	}
}

// hashes yields the bans of the hash sets with their stamps. The set may
// change meanwhile, as a Go map may in a range.
func (w *wanted) hashes() iter.Seq2[netip.Prefix, stamp] {
	return func(yield func(netip.Prefix, stamp) bool) {
		for k, s := range w.v4 {
			if !yield(prefix4(k), s) {
				return
			}
		}
		for k, s := range w.v6 {
			if !yield(prefix6(k), s) {
				return
			}
		}
	}
}

// forget marks every ban as not known to be in the kernel.
func (w *wanted) forget() {
	for k, s := range w.v4 {
		w.v4[k] = s &^ held
	}
	for k, s := range w.v6 {
		w.v6[k] = s &^ held
	}
}

// expire drops what has expired.
func (w *wanted) expire() {
	expire(w, w.v4)
	expire(w, w.v6)
	expire(w, w.nets)
}

func expire[K comparable](w *wanted, m map[K]stamp) {
	for k, s := range m {
		if _, alive := w.left(s); !alive {
			delete(m, k)
		}
	}
}

// shrink gives memory back after a flood, which a Go map never does. It must
// not be called in a range over hashes.
func (w *wanted) shrink() {
	w.v4, w.most4 = shrink(w.v4, w.most4)
	w.v6, w.most6 = shrink(w.v6, w.most6)
}

func shrink[K comparable](m map[K]stamp, most int) (map[K]stamp, int) {
	most = max(most, len(m))
	if most < 4096 || len(m) > most/4 {
		return m, most
	}
	small := make(map[K]stamp, len(m))
	for k, s := range m {
		small[k] = s
	}
	return small, len(small)
}

func key4(p netip.Prefix) uint32 {
	b := p.Addr().As4()
	return binary.BigEndian.Uint32(b[:])
}

func key6(p netip.Prefix) uint64 {
	b := p.Addr().As16()
	return binary.BigEndian.Uint64(b[:8])
}

func prefix4(k uint32) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], k)
	return netip.PrefixFrom(netip.AddrFrom4(b), 32)
}

func prefix6(k uint64) netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k)
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}
