// Package tariff reads rate decks and lists of numbers, and finds the rate or
// the list of a number.
//
// What it makes never changes: a reload reads the files again and puts the new
// ones in the place of the old in one step. A row that is wrong is named, left
// out and counted; a file that cannot be read to its end is not used at all.
package tariff

import (
	"errors"
	"slices"
	"time"

	"pbxguard/guard"
)

// Deck is a rate deck: what each row of its file says, now or from some day on.
type Deck struct {
	File     string
	currency string
	rows     []row        // by prefix, then by the time from which they hold
	rates    []guard.Rate // that rows refer to, each but once
}

type row struct {
	prefix uint64    // digits behind a leading 1
	from   time.Time // zero: always
	rate   uint32
}

// Len is how many rows the deck has.
func (d *Deck) Len() int { return len(d.rows) }

// Tariff is a deck as it holds at one time. It implements [guard.Tariff].
type Tariff struct {
	currency string
	trie     trie
	rates    []guard.Rate
	dearest  guard.Rate
}

// errNoRate means that no row of a deck holds yet.
var errNoRate = errors.New("has no rate that holds now")

// At returns the tariff that holds at a time: of several rows for one prefix
// the latest that has begun.
func (d *Deck) At(at time.Time) (*Tariff, error) {
	t := &Tariff{currency: d.currency, rates: d.rates}
	keys := make([]uint64, 0, len(d.rows))
	values := make([]uint32, 0, len(d.rows))
	for i := range d.rows {
		r := &d.rows[i]
		if r.from.After(at) {
			continue
		}
		if n := len(keys); n > 0 && keys[n-1] == r.prefix {
			values[n-1] = r.rate
			continue
		}
		keys, values = append(keys, r.prefix), append(values, r.rate)
	}
	if len(keys) == 0 {
		return nil, &fileError{d.File, errNoRate}
	}
	t.trie = newTrie(keys, values)
	for _, v := range values {
		if rate := d.rates[v]; dearer(rate, t.dearest) {
			t.dearest = rate
		}
	}
	t.dearest.Unknown = true
	return t, nil
}

// dearer compares what an hour of talk costs, and then what the first second does.
func dearer(a, b guard.Rate) bool {
	if x, y := a.Cost(time.Hour), b.Cost(time.Hour); x != y {
		return x > y
	}
	return a.Cost(time.Second) > b.Cost(time.Second)
}

// Rate implements [guard.Tariff]: the rate of the longest prefix, and of a
// number without any the dearest one.
func (t *Tariff) Rate(number string) guard.Rate {
	if len(number) > 0 && number[0] == '+' {
		if v, ok := t.trie.longest(number[1:]); ok {
			return t.rates[v]
		}
	}
	return t.dearest
}

// Currency implements [guard.Tariff].
func (t *Tariff) Currency() string { return t.currency }

// Dearest is the rate of a number that the tariff does not know.
func (t *Tariff) Dearest() guard.Rate { return t.dearest }

// fileError is an error about a file as a whole.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return "cannot use " + e.file + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// pack writes digits as a number that keeps their zeros and their order of
// length: a 1 in front of them. ok is false for what is no digits, or too many.
func pack(digits []byte) (key uint64, ok bool) {
	if len(digits) == 0 || len(digits) > maxDigits {
		return 0, false
	}
	key = 1
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		key = key*10 + uint64(c-'0')
	}
	return key, true
}

// maxDigits is how long a number may be: 15 by E.164, and a few more in decks
// that price what carriers put behind it.
const maxDigits = 18

// unpack is the inverse of pack.
func unpack(key uint64) []byte {
	var digits []byte
	for ; key > 1; key /= 10 {
		digits = append(digits, byte('0'+key%10))
	}
	slices.Reverse(digits)
	return digits
}
