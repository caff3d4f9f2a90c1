package guard

import "hash/maphash"

// recent remembers a value for each of so many keys, the latest ones that were
// asked for or set. Beside its value a key costs some 24 bytes, none of them a
// pointer, so that a million cost the garbage collector nothing; and it grows in
// small steps, so that no event waits while a million others are moved.
type recent[V any] struct {
	seed  maphash.Seed
	max   int
	len   int
	slabs [][]node[V]
	made  ref // nodes in slabs that were ever used
	spare ref // nodes that are free again, linked by older
	ends  struct{ newest, oldest ref }
	index []probes
}

// ref names a node; 0 is none.
type ref uint32

type node[V any] struct {
	key          uint64
	newer, older ref
	value        V
}

const slabLen = 1024 // nodes

// newRecent returns one that remembers max keys, at least 1.
func newRecent[V any](max int) *recent[V] {
	r := &recent[V]{seed: maphash.MakeSeed()}
	r.resize(max)
	return r
}

// get returns the value of k, which becomes the newest.
func (r *recent[V]) get(k uint64) (v V, ok bool) {
	n := r.find(k)
	if n == 0 {
		return v, false
	}
	r.unlink(n)
	r.link(n)
	return r.at(n).value, true
}

// peek returns the value of k, which keeps its place.
func (r *recent[V]) peek(k uint64) (v V, ok bool) {
	n := r.find(k)
	if n == 0 {
		return v, false
	}
	return r.at(n).value, true
}

// put sets the value of k, which becomes the newest. It may cost the oldest.
func (r *recent[V]) put(k uint64, v V) {
	n := r.find(k)
	if n != 0 {
		r.unlink(n)
	} else {
		if r.len >= r.max {
			r.drop(r.ends.oldest)
		}
		n = r.fresh(k)
	}
	r.at(n).value = v
	r.link(n)
}

func (r *recent[V]) remove(k uint64) {
	if n := r.find(k); n != 0 {
		r.drop(n)
	}
}

// oldest returns the value that was not used for longest.
func (r *recent[V]) oldest() (v V, ok bool) {
	if r.len == 0 {
		return v, false
	}
	return r.at(r.ends.oldest).value, true
}

func (r *recent[V]) removeOldest() {
	if r.len > 0 {
		r.drop(r.ends.oldest)
	}
}

// resize changes how many keys are remembered.
func (r *recent[V]) resize(size int) {
	r.max = max(1, size)
	for r.len > r.max {
		r.removeOldest()
	}
}

// purge forgets everything and gives its memory back.
func (r *recent[V]) purge() { *r = recent[V]{seed: r.seed, max: r.max} }

func (r *recent[V]) at(n ref) *node[V] { return &r.slabs[(n-1)/slabLen][(n-1)%slabLen] }

// fresh gives k a node, which is not linked yet.
func (r *recent[V]) fresh(k uint64) ref {
	n := r.spare
	if n != 0 {
		r.spare = r.at(n).older
	} else {
		if r.index == nil {
			r.index = make([]probes, tables)
		}
		if int(r.made) == len(r.slabs)*slabLen {
			r.slabs = append(r.slabs, make([]node[V], slabLen))
		}
		r.made++
		n = r.made
	}
	*r.at(n) = node[V]{key: k}
	r.len++
	r.enter(n)
	return n
}

// drop forgets a node.
func (r *recent[V]) drop(n ref) {
	r.unlink(n)
	r.leave(n)
	*r.at(n) = node[V]{older: r.spare}
	r.spare = n
	if r.len--; r.len == 0 {
		r.purge()
	}
}

func (r *recent[V]) link(n ref) {
	x := r.at(n)
	x.newer, x.older = 0, r.ends.newest
	if x.older != 0 {
		r.at(x.older).newer = n
	} else {
		r.ends.oldest = n
	}
	r.ends.newest = n
}

func (r *recent[V]) unlink(n ref) {
	x := r.at(n)
	if x.newer != 0 {
		r.at(x.newer).older = x.older
	} else {
		r.ends.newest = x.older
	}
	if x.older != 0 {
		r.at(x.older).newer = x.newer
	} else {
		r.ends.oldest = x.newer
	}
}
