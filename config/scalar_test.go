package config

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		text string
		want time.Duration // -1: an error
	}{
		{"10m", 10 * time.Minute}, {"90s", 90 * time.Second}, {"1h30m", 90 * time.Minute},
		{"7d", 7 * day}, {"2w", 14 * day}, {"1w1d", 8 * day}, {"250ms", 250 * time.Millisecond},
		{"0s", 0}, {"106751d", 106751 * day},
		{"", -1}, {"10", -1}, {"m", -1}, {"1.5h", -1}, {"-1h", -1}, {"+1h", -1}, {"1h ", -1}, {" 1h", -1},
		{"1y", -1}, {"1H", -1}, {"106752d", -1}, {"9999999999999h", -1}, {"106751d24h", -1}, {"١h", -1},
	}
	for _, tt := range tests {
		got, err := ParseDuration(tt.text)
		if tt.want == -1 {
			if err == nil {
				t.Errorf("%q: got %v, want an error", tt.text, got)
			}
		} else if err != nil || got != tt.want {
			t.Errorf("%q: got %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"180d": 180 * 24 * time.Hour, "1d": 24 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "1m30s": 90 * time.Second,
	} {
		if got := FormatDuration(d); got != text {
			t.Errorf("%v: got %s, want %s", d, got, text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, math.MaxInt64/int64(time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%s: got %v, %v; want %v", FormatDuration(d), got, err, d)
		}
	})
}

func TestClock(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00:00": 0, "8:00": 8 * time.Hour, "08:05": 8*time.Hour + 5*time.Minute, "23:59": 23*time.Hour + 59*time.Minute,
	} {
		got, err := readClock(text)
		if err != nil || time.Duration(got.(Clock)) != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "24:00", "25:00", "8", "08:60", "08:0", "08:00:00", "-1:00", "8am", "٠٨:٠٠"} {
		if got, err := readClock(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"secret", "secret", 0}, {"secrt", "secret", 1},
		{"sercet", "secret", 1}, {"adress", "address", 1}, {"modes", "mode", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1},
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
