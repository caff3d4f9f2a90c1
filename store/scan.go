package store

import (
	"fmt"
	"net/netip"
	"time"
)

// scanner reads a column into what a closure knows.
type scanner func(v any) error

// Scan implements [database/sql.Scanner].
func (f scanner) Scan(v any) error { return f(v) }

// toTime reads nanoseconds since 1970 UTC; 0 is the zero time.
func toTime(to *time.Time) scanner {
	return func(v any) error {
		ns, ok := v.(int64)
		if !ok {
			return fmt.Errorf("not a time: %v", v)
		}
		*to = instant(ns)
		return nil
	}
}

// unmarshaler is an address or a prefix.
type unmarshaler interface{ UnmarshalBinary([]byte) error }

func toBinary(to unmarshaler) scanner {
	return func(v any) error {
		b, ok := v.([]byte)
		if !ok {
			return fmt.Errorf("not an address: %v", v)
		}
		return to.UnmarshalBinary(b)
	}
}

var (
	_ unmarshaler = (*netip.Addr)(nil)
	_ unmarshaler = (*netip.Prefix)(nil)
)
