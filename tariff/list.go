package tariff

import (
	"slices"
	"time"

	"pbxguard/guard"
)

// About says what a list is and where it comes from.
type About struct {
	Name     string // letters, digits, - and _
	Kind     guard.ListKind
	Source   string    // a URL, a letter, a person
	Imported time.Time // when it was made, to the second
	Expires  time.Time // when it is no longer believed; zero: never
}

// List is a list of numbers and of prefixes. It costs eight bytes a number, two
// more if any of its entries expires by itself.
type List struct {
	About
	numbers  []uint64 // packed, sorted
	until    []day    // beside numbers; nil: no number has a day of its own
	prefixes trie     // their values are the place in ends
	ends     []day    // of prefixes
	texts    []uint64 // the prefixes, packed, as ends
}

// day is the last day of an entry, counted since 1970 in UTC; 0 is no end.
type day uint16

func dayOf(t time.Time) day {
	return day(min(max(t.Unix()/86400, 0), 1<<16-1))
}

// Len is how many numbers and prefixes the list has.
func (l *List) Len() int { return len(l.numbers) + len(l.ends) }

// Expired says whether the list as a whole is no longer believed.
func (l *List) Expired(at time.Time) bool { return !l.Expires.IsZero() && !at.Before(l.Expires) }

// Has says whether the list holds a number in E.164 with its +, or a prefix of
// it, at a time.
func (l *List) Has(number string, at time.Time) bool {
	if len(number) < 2 || number[0] != '+' || l.Expired(at) {
		return false
	}
	today := dayOf(at)
	if key, ok := packNumber(number[1:]); ok {
		if i, found := slices.BinarySearch(l.numbers, key); found && (l.until == nil || lasts(l.until[i], today)) {
			return true
		}
	}
	for digits := number[1:]; digits != ""; {
		v, n, ok := l.prefixes.longestOf(digits)
		if !ok {
			return false
		}
		if lasts(l.ends[v], today) {
			return true
		}
		digits = digits[:n-1] // a shorter prefix may last longer
	}
	return false
}

func lasts(until, today day) bool { return until == 0 || today <= until }

// packNumber is pack for a string, without a copy.
func packNumber(digits string) (key uint64, ok bool) {
	if len(digits) > maxDigits {
		return 0, false
	}
	key = 1
	for i := 0; i < len(digits); i++ {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		key = key*10 + uint64(c)
	}
	return key, true
}

// entry is a number or prefix on its way into a list.
type entry struct {
	key    uint64
	until  day
	prefix bool
}

// newList makes a list of entries, of which it keeps one of each.
func newList(about About, entries []entry) *List {
	l := &List{About: about}
	slices.SortFunc(entries, func(a, b entry) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return int(end(b)) - int(end(a)) // the one that lasts longest comes first
	})
	dated := slices.ContainsFunc(entries, func(e entry) bool { return e.until != 0 && !e.prefix })
	seen := [2]uint64{}
	for _, e := range entries {
		kind := 0
		if e.prefix {
			kind = 1
		}
		if seen[kind] == e.key {
			continue
		}
		seen[kind] = e.key
		switch {
		case e.prefix:
			l.texts, l.ends = append(l.texts, e.key), append(l.ends, e.until)
		case dated:
			l.numbers, l.until = append(l.numbers, e.key), append(l.until, e.until)
		default:
			l.numbers = append(l.numbers, e.key)
		}
	}
	places := make([]uint32, len(l.ends))
	for i := range places {
		places[i] = uint32(i)
	}
	l.prefixes = newTrie(l.texts, places)
	l.numbers, l.until = slices.Clip(l.numbers), slices.Clip(l.until)
	return l
}

// end is the day of an entry with no end put last.
func end(e entry) day {
	if e.until == 0 {
		return 1<<16 - 1
	}
	return e.until
}

// Lists are all lists of a site. They implement [guard.Lists].
type Lists struct{ all []*List }

// NewLists returns lists that are asked in this order.
func NewLists(lists ...*List) *Lists { return &Lists{lists} }

// All returns the lists.
func (l *Lists) All() []*List { return l.all }

// Lookup implements [guard.Lists].
func (l *Lists) Lookup(kind guard.ListKind, number string, at time.Time) (string, bool) {
	for _, list := range l.all {
		if list.Kind == kind && list.Has(number, at) {
			return list.Name, true
		}
	}
	return "", false
}
