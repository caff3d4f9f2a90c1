package guard

import (
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	zone := amsterdam(t)
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	day := HoursLimit{From: 8 * time.Hour, To: 18 * time.Hour, Action: Kill}
	night := HoursLimit{From: 22 * time.Hour, To: 6 * time.Hour, Action: Kill}
	const abroad = "003225551234"
	for _, tt := range []struct {
		name   string
		hours  HoursLimit
		at     time.Time
		number string
		want   bool
	}{
		{"noon", day, at("2026-11-25 12:00"), abroad, false},
		{"night", day, at("2026-11-25 03:12"), abroad, true},
		{"national at night", day, at("2026-11-25 03:12"), "0201234567", false},
		{"the minute it opens", day, at("2026-11-25 08:00"), abroad, false},
		{"the minute it closes", day, at("2026-11-25 18:00"), abroad, true},
		{"summer time, 07:30 on the wall", day, time.Date(2026, 7, 1, 5, 30, 0, 0, time.UTC), abroad, true},
		{"summer time, 08:30 on the wall", day, time.Date(2026, 7, 1, 6, 30, 0, 0, time.UTC), abroad, false},
		{"winter time, 07:30 on the wall", day, time.Date(2026, 12, 1, 6, 30, 0, 0, time.UTC), abroad, true},
		{"the hour that summer time skips", day, time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), abroad, true},
		{"hours past midnight, at one", night, at("2026-11-25 01:00"), abroad, false},
		{"hours past midnight, at noon", night, at("2026-11-25 12:00"), abroad, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Hours = tt.hours
			r := newRig(t, p)
			r.s.now, r.now = tt.at, tt.at
			r.place("100", tt.number)
			if got := len(r.hungUp) > 0; got != tt.want {
				t.Errorf("killed: got %v want %v", got, tt.want)
			}
		})
	}
}

func TestWeekendAndHoliday(t *testing.T) {
	zone := amsterdam(t)
	for _, tt := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"wednesday", time.Date(2026, 11, 25, 12, 0, 0, 0, zone), ""},
		{"saturday", time.Date(2026, 11, 28, 0, 0, 0, 0, zone), "weekend"},
		{"sunday, an hour left", time.Date(2026, 11, 29, 23, 59, 0, 0, zone), "weekend"},
		{"sunday in UTC, monday on the wall", time.Date(2026, 11, 29, 23, 30, 0, 0, time.UTC), ""},
		{"christmas", time.Date(2026, 12, 25, 12, 0, 0, 0, zone), "holiday"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Weekend, p.Default.Holiday = Kill, Kill
			p.PBXs["a"].Closed = func(d time.Time) (string, bool) {
				return "Christmas", d.Month() == time.December && d.Day() == 25
			}
			r := newRig(t, p)
			r.s.now, r.now = tt.at, tt.at
			r.place("100", "003225551234")
			got := ""
			if ids := r.decided(); len(ids) > 0 {
				got = ids[0]
			}
			if got != tt.want {
				t.Errorf("got %q want %q", got, tt.want)
			}
		})
	}
}
