package guard

import "hash/maphash"

// probes is a hash table with linear probing for some of the keys of a recent,
// never more than three quarters full. A recent has many, each of which grows by
// itself.
type probes struct {
	slots []ref // as many as a power of two
	used  int
}

const tables = 256

// place returns which table k is in and where in it the search begins. The
// hash is secret: nobody can choose keys that collide.
func (r *recent[V]) place(k uint64) (p *probes, slot uint64) {
	h := maphash.Comparable(r.seed, k)
	return &r.index[h%tables], h / tables
}

// find returns the node of k, 0 if there is none.
func (r *recent[V]) find(k uint64) ref {
	if r.len == 0 {
		return 0
	}
	p, slot := r.place(k)
	if p.used == 0 {
		return 0
	}
	for mask := p.mask(); ; slot++ {
		if n := p.slots[slot&mask]; n == 0 || r.at(n).key == k {
			return n
		}
	}
}

func (p *probes) mask() uint64 { return uint64(len(p.slots) - 1) }

// enter puts a node into the index that is not there.
func (r *recent[V]) enter(n ref) {
	p, slot := r.place(r.at(n).key)
	if 4*(p.used+1) > 3*len(p.slots) {
		old := p.slots
		p.slots = make([]ref, max(8, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				_, at := r.place(r.at(o).key)
				p.insert(at, o)
			}
		}
	}
	p.insert(slot, n)
	p.used++
}

func (p *probes) insert(slot uint64, n ref) {
	mask := p.mask()
	for p.slots[slot&mask] != 0 {
		slot++
	}
	p.slots[slot&mask] = n
}

// leave takes a node out of the index. Those behind it move up, so that no
// search ends at the gap.
func (r *recent[V]) leave(n ref) {
	p, slot := r.place(r.at(n).key)
	p.used--
	mask := p.mask()
	for p.slots[slot&mask] != n {
		slot++
	}
	gap := slot & mask
	for next := (gap + 1) & mask; p.slots[next] != 0; next = (next + 1) & mask {
		_, home := r.place(r.at(p.slots[next]).key)
		if (next-home)&mask >= (next-gap)&mask {
			p.slots[gap], gap = p.slots[next], next
		}
	}
	p.slots[gap] = 0
}
