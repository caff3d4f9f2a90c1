package guard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Money is an amount in millionths of a unit of the tariff's currency, so that
// prices per minute divide into seconds without loss that anybody would see.
type Money int64

// Unit is one euro, dollar, pound.
const Unit Money = 1_000_000

// String writes an amount to the cent, the half rounded away from zero: "12.34".
func (m Money) String() string {
	sign, v := "", m
	if v < 0 {
		sign, v = "-", -v
	}
	const cent = Unit / 100
	cents := (v + cent/2) / cent
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// MarshalText writes an amount as [Money.String] does.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what [Money.MarshalText] wrote, and so to the cent.
func (m *Money) UnmarshalText(text []byte) error {
	whole, cents, ok := strings.Cut(string(text), ".")
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	if !ok || len(cents) != 2 || err != nil || n > math.MaxInt64/int64(Unit/100) || n < -math.MaxInt64/int64(Unit/100) {
		return fmt.Errorf("no amount: %.40q", text)
	}
	*m = Money(n) * (Unit / 100)
	return nil
}

// A Tariff says what calls cost. It does not change: a reload hands over a
// [Policy] with another one. It must be quick, and safe for one goroutine that
// asks while others make the next one.
type Tariff interface {
	// Rate is the price of calls to a number in E.164 with its +. A number that
	// the tariff does not know, or "", has the dearest rate that it has.
	Rate(number string) Rate
	// Currency is the ISO 4217 code of all amounts.
	Currency() string
}

// Rate is the price of calls to some numbers.
type Rate struct {
	PerMinute Money
	Setup     Money         // for each answered call
	Least     time.Duration // billed at least
	Step      time.Duration // billed in steps of; 0: of a second
	// Unknown says that the tariff has no such number, so that this is a guess.
	Unknown bool
}

// Cost is the price of an answered call that has talked for so long.
func (r Rate) Cost(talked time.Duration) Money {
	step := r.Step
	if step <= 0 {
		step = time.Second
	}
	billed := max(talked, r.Least, 0)
	if over := billed % step; over != 0 {
		billed += step - over
	}
	// By the second first: a month's milliseconds at a high price would overflow.
	seconds, rest := int64(billed/time.Second), int64(billed%time.Second)
	return r.Setup + Money(int64(r.PerMinute)*seconds/60+int64(r.PerMinute)/60*rest/int64(time.Second))
}

// Running is what a call costs that is still up: until its end at least one
// more step will be billed.
func (r Rate) Running(talked time.Duration) Money {
	return r.Cost(max(talked, 0) + max(r.Step, time.Second))
}

// ListKind says what a list of numbers means to the rules.
type ListKind uint8

const (
	// DeniedNumbers must not be called: fraud test numbers, scam numbers, a
	// site's own list.
	DeniedNumbers ListKind = iota
	// WithdrawnNumbers were taken back by a regulator: whoever uses one, in
	// either direction, is no honest party.
	WithdrawnNumbers
	// SilentNumbers never originate calls, such as a bank's service line: a
	// caller who shows one is somebody else.
	SilentNumbers
	// OwnNumbers are those that the site may show, besides [Site.Own].
	OwnNumbers
	// PaymentNumbers belong to banks and payment services.
	PaymentNumbers
	listKinds
)

var listNames = [listKinds]string{"denied", "withdrawn", "silent", "own", "payment"}

// String returns the kind's name, as a configuration or command line writes it.
func (k ListKind) String() string {
	if k < listKinds {
		return listNames[k]
	}
	return "unknown"
}

// ParseListKind reads the name of a kind of list.
func ParseListKind(s string) (ListKind, bool) {
	for i, name := range listNames {
		if s == name {
			return ListKind(i), true
		}
	}
	return 0, false
}

// Lists are lists of numbers. Like a [Tariff] they do not change.
type Lists interface {
	// Lookup returns the name of a list of this kind that holds the number, in
	// E.164 with its +, or its longest prefix that any holds, at a time: lists
	// and entries may expire.
	Lookup(kind ListKind, number string, at time.Time) (list string, found bool)
}
