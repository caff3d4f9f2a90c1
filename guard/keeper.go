package guard

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/bits-and-blooms/bloom/v3"
)

// table remembers something of each source, for as many as it may hold. While
// it is full a source must be seen twice to get in, so that a flood of sources
// that come once cannot push out those that come back.
type table[V any] struct {
	kept *recent[V]
	door *door
	salt uint64 // tells the tables apart at the door they share
}

func newTable[V any](size int, d *door, salt uint64) *table[V] {
	return &table[V]{kept: newRecent[V](size), door: d, salt: salt}
}

// see returns what is known of k and how many sightings this one stands for: 0
// is one that was noted at the door only, 2 is one that lets k in.
func (t *table[V]) see(k sourceKey, now time.Duration) (v V, sightings int) {
	if v, ok := t.kept.get(uint64(k)); ok {
		return v, 1
	}
	if t.kept.len < t.kept.max {
		return v, 1
	}
	if !t.door.knock(uint64(k), t.salt, now) {
		return v, 0
	}
	return v, 2
}

// put remembers v, at the cost of whoever was not seen for longest.
func (t *table[V]) put(k sourceKey, v V) { t.kept.put(uint64(k), v) }

func (t *table[V]) remove(k sourceKey) { t.kept.remove(uint64(k)) }

func (t *table[V]) resize(size int) { t.kept.resize(size) }

// expire forgets who is done, the longest unseen first and at most few at a
// time: this runs while calls wait to be judged.
func (t *table[V]) expire(done func(V) bool) {
	for range 1000 {
		v, ok := t.kept.oldest()
		if !ok || !done(v) {
			return
		}
		t.kept.removeOldest()
	}
}

// What a filter of the usual size holds: 4 MiB and four bits a source, which lets
// 0.03 % of strangers in at 1.2 million of them.
const (
	doorBits   = 4 << 20 * 8
	doorHashes = 4
	doorHolds  = 1_200_000
)

// door remembers roughly who was there before, in two Bloom filters that take
// turns. Its hash is secret: nobody can make another's address look familiar.
type door struct {
	seed        maphash.Seed
	keep        time.Duration // a filter takes in sources for this long at most
	part        uint          // of the usual size it has, one in so many; 0: all of it
	fresh, aged *bloom.BloomFilter
	opened      time.Duration // when fresh was begun
	held        int           // by fresh
}

// knock notes a visit and says whether there was one before. The filters are
// made at the first knock: most hosts never see one.
func (d *door) knock(k, salt uint64, now time.Duration) bool {
	if d.fresh == nil {
		d.fresh, d.aged = bloom.New(doorBits/max(1, d.part), doorHashes), bloom.New(doorBits/max(1, d.part), doorHashes)
		d.opened = now
	}
	if d.held >= doorHolds/int(max(1, d.part)) || now-d.opened > d.keep {
		d.fresh, d.aged = d.aged.ClearAll(), d.fresh
		d.opened, d.held = now, 0
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], maphash.Comparable(d.seed, [2]uint64{k, salt}))
	if d.fresh.TestOrAdd(b[:]) {
		return true
	}
	d.held++
	return d.aged.Test(b[:])
}

// distinct counts different things within a window, exactly up to a limit.
type distinct []mark

type mark struct {
	hash uint32
	at   stamp
}

// add notes h and returns how many different ones the window holds, and when h
// was there last, 0 if it was not.
func (d *distinct) add(h uint32, now, window stamp, limit int) (n int, before stamp) {
	kept := (*d)[:0]
	for _, m := range *d {
		switch {
		case m.hash == h:
			before = m.at
		case now-m.at <= window:
			kept = append(kept, m)
		}
	}
	if len(kept) >= max(1, limit) { // the oldest goes: marks stand in the order of their times
		kept = kept[:copy(kept, kept[1:])]
	}
	*d = append(kept, mark{h, now})
	return len(*d), before
}

// since counts those that were noted within a window.
func (d distinct) since(now, window stamp) (n int) {
	for _, m := range d {
		if now-m.at <= window {
			n++
		}
	}
	return n
}

// last is when anything was noted.
func (d distinct) last() stamp {
	if len(d) == 0 {
		return 0
	}
	return d[len(d)-1].at
}

// budget allows so many a minute.
type budget struct {
	began time.Duration
	used  int
	spent bool // somebody was refused in this minute
}

// take says whether there is one left, and when there is not whether this is
// the first refusal of the minute.
func (b *budget) take(limit int, now time.Duration) (ok, first bool) {
	if b.used == 0 || now-b.began >= time.Minute {
		*b = budget{began: now}
	}
	if b.used < limit {
		b.used++
		return true, false
	}
	first = !b.spent
	b.used, b.spent = max(1, b.used), true
	return false, first
}
