package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"

	"pbxguard/guard"
)

// Clock is a time of day, written "08:00": the time since midnight.
type Clock time.Duration

func (c Clock) String() string {
	d := time.Duration(c)
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

// scalar is a type that one value of the file becomes.
type scalar struct {
	kind    unstable.Kind // in the file
	name    string        // in [Reference]
	want    string        // as in "must be WANT"
	read    func(string) (any, error)
	compare func(a, b any) int // for min and max
}

var secretType = reflect.TypeFor[Secret]()

// scalars are all types that a value may have; what is not here is a list or a
// table.
var scalars = map[reflect.Type]scalar{
	reflect.TypeFor[string]():        {unstable.String, "text", "text, in quotes", readText, nil},
	secretType:                       {unstable.String, "text", "text, in quotes", readSecretText, nil},
	reflect.TypeFor[bool]():          {unstable.Bool, "true or false", "true or false", func(s string) (any, error) { return s == "true", nil }, nil},
	reflect.TypeFor[int]():           {unstable.Integer, "whole number", "a whole number", readInt, compareAs[int]},
	reflect.TypeFor[time.Duration](): {unstable.String, "duration", wantDuration, readDuration, compareAs[time.Duration]},
	reflect.TypeFor[Clock]():         {unstable.String, "time of day", wantClock, readClock, nil},
	reflect.TypeFor[guard.Mode]():    {unstable.String, wantMode, wantMode, readMode, nil},
	reflect.TypeFor[guard.Action]():  {unstable.String, wantAction, wantAction, readAction, nil},
	reflect.TypeFor[slog.Level]():    {unstable.String, wantLevel, wantLevel, readLevel, nil},
}

const (
	wantDuration = `a duration, such as "90s", "10m", "12h", "7d" or "2w"`
	wantClock    = `a time of day, "00:00" to "23:59"`
	wantMode     = `"observe" or "enforce"`
	wantAction   = `"allow", "observe", "alert", "kill" or "lock"`
	wantLevel    = `"debug", "info", "warn" or "error"`
)

func compareAs[T cmp.Ordered](a, b any) int { return cmp.Compare(a.(T), b.(T)) }

// readText takes any text of one line: none of ours needs another, and a line
// break would be a second header in the protocols that some of it goes into.
func readText(s string) (any, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errors.New("must not contain line breaks or control characters")
	}
	return s, nil
}

func readSecretText(s string) (any, error) {
	_, err := readText(s)
	return Secret(s), err
}

func readInt(s string) (any, error) {
	// TOML has no leading zeros, so base 0 reads what TOML means.
	n, err := strconv.ParseInt(s, 0, 0)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, errors.New("must be a whole number")
	}
	return int(n), nil // beyond the range of int, the end of it; our bounds are closer
}

var durationPart = regexp.MustCompile(`^(\d{1,12})(ms|w|d|h|m|s)`)

var durationUnits = map[string]time.Duration{
	"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour,
	"m": time.Minute, "s": time.Second, "ms": time.Millisecond,
}

// readDuration reads whole numbers with units, such as "1h30m" or "7d".
func readDuration(s string) (any, error) {
	d, err := ParseDuration(s)
	return d, err
}

// ParseDuration reads a duration as the configuration writes it: whole numbers,
// each with one of the units w, d, h, m, s and ms. A day has 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	bad := errors.New("must be " + wantDuration)
	if s == "" {
		return 0, bad
	}
	var sum time.Duration
	for rest := s; rest != ""; {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, bad
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return 0, bad
		}
		unit := durationUnits[m[2]]
		if n > int64((math.MaxInt64-sum)/unit) {
			return 0, errors.New("must be a shorter duration")
		}
		sum += time.Duration(n) * unit
		rest = rest[len(m[0]):]
	}
	return sum, nil
}

// FormatDuration writes d as [ParseDuration] reads it, in days and less. What
// is shorter than a millisecond is left out.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []string{"d", "h", "m", "s", "ms"} {
		size := durationUnits[unit]
		if n := d / size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit)
			d %= size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

var clockForm = regexp.MustCompile(`^([01]?\d|2[0-3]):([0-5]\d)$`)

func readClock(s string) (any, error) {
	m := clockForm.FindStringSubmatch(s)
	if m == nil {
		return nil, errors.New("must be " + wantClock)
	}
	d, err := ParseDuration(m[1] + "h" + m[2] + "m")
	return Clock(d), err
}

func readMode(s string) (any, error) {
	switch s {
	case "observe":
		return guard.Observe, nil
	case "enforce":
		return guard.Enforce, nil
	}
	return nil, errors.New("must be " + wantMode)
}

func readAction(s string) (any, error) {
	a, ok := guard.ParseAction(s)
	if !ok {
		return nil, errors.New("must be " + wantAction)
	}
	return a, nil
}

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func readLevel(s string) (any, error) {
	l, ok := levels[s]
	if !ok {
		return nil, errors.New("must be " + wantLevel)
	}
	return l, nil
}
