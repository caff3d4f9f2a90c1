package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password. However it is printed, logged or marshalled, it shows
// as "[redacted]" (or as nothing when there is none); only Reveal tells it.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret itself, for the one who logs in with it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format writes the secret as String does, for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText keeps the secret out of JSON, TOML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps the secret out of the log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
