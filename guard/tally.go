package guard

import "time"

// tally counts what happens to each of so many things within a window that
// slides in sixteenths.
type tally struct {
	window time.Duration
	kept   *recent[slots]
}

// slots is a ring of counts, one for each sixteenth of the window.
type slots struct {
	n    [parts]uint8
	last uint32 // which sixteenth was counted last, since the epoch
}

const maxTally = 10_000

func newTally(window time.Duration) tally {
	return tally{window: window, kept: newRecent[slots](maxTally)}
}

func (t *tally) part(now time.Time) uint32 {
	return uint32(now.UnixNano() / int64(t.window/parts) & 0x7fffffff)
}

// add counts once more and returns the sum.
func (t *tally) add(k uint64, now time.Time) int {
	s, _ := t.kept.get(k)
	s.slide(t.part(now))
	if c := &s.n[s.last%parts]; *c < 255 {
		*c++
	}
	t.kept.put(k, s)
	return s.sum()
}

// count returns the sum.
func (t *tally) count(k uint64, now time.Time) int {
	s, ok := t.kept.peek(k)
	if !ok {
		return 0
	}
	s.slide(t.part(now))
	return s.sum()
}

func (s *slots) slide(part uint32) {
	if part <= s.last {
		return
	}
	for i := s.last + 1; i <= min(part, s.last+parts); i++ {
		s.n[i%parts] = 0
	}
	s.last = part
}

func (s *slots) sum() (n int) {
	for _, c := range s.n {
		n += int(c)
	}
	return n
}
