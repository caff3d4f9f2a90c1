package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/mw"
	"github.com/rickar/cal/v2/nc"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/ru"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// calendars are the public holidays of whole countries, by ISO 3166 code.
// Regional ones go into closed.days.
var calendars = map[string][]*cal.Holiday{
	"AR": ar.Holidays, "AT": at.Holidays, "BE": be.Holidays, "BG": bg.Holidays,
	"BR": br.Holidays, "CA": ca.Holidays, "CH": ch.Holidays, "CZ": cz.Holidays, "DE": de.Holidays,
	"DK": dk.Holidays, "ES": es.Holidays, "FR": fr.Holidays, "GB": gb.Holidays, "GR": gr.Holidays,
	"HR": hr.Holidays, "IE": ie.Holidays, "IT": it.Holidays, "JP": jp.Holidays, "LT": lt.Holidays,
	"LV": lv.Holidays, "MW": mw.Holidays, "NC": nc.Holidays, "NL": nl.Holidays, "NO": no.Holidays,
	"NZ": nz.Holidays, "PL": pl.Holidays, "RO": ro.Holidays, "RU": ru.Holidays, "SE": se.Holidays,
	"SI": si.Holidays, "SK": sk.Holidays, "UA": ua.Holidays, "US": us.Holidays, "ZA": za.Holidays,
}

func checkCalendar(s string) error {
	if _, ok := calendars[s]; !ok {
		known := strings.Join(slices.Sorted(maps.Keys(calendars)), " ")
		return fmt.Errorf("no such calendar; there are %s", known)
	}
	return nil
}

// day is a date, or with year 0 the same day of every year.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

// parseDay reads "2026-12-24" and "12-24".
func parseDay(s string) (day, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return dayOf(t), nil
	}
	// 2000 is a leap year, in which 02-29 exists.
	if t, err := time.Parse(time.DateOnly, "2000-"+s); err == nil {
		return day{0, t.Month(), t.Day()}, nil
	}
	return day{}, errors.New(`must be a day that exists: "2026-12-24", or "12-24" for every year`)
}

// closed returns what says whether the office is closed on the day of t, as t's
// own zone has it. It may be called by several goroutines.
func (c *Closed) closed() (func(t time.Time) (holiday string, closed bool), error) {
	days := map[day]bool{}
	for _, s := range c.Days {
		d, err := parseDay(s)
		if err != nil {
			return nil, err
		}
		days[d] = true
	}
	holidays := cal.Calendar{Holidays: calendars[c.Calendar]}
	look := func(today day, t time.Time) (string, bool) {
		if days[today] || days[day{0, today.month, today.day}] {
			return "closed day", true
		}
		if actual, observed, h := holidays.IsHoliday(t); actual || observed {
			return h.Name, true
		}
		return "", false
	}
	// It is asked every second and answers the same all day; engines share it.
	type answer struct {
		day    day
		name   string
		closed bool
	}
	var latest atomic.Pointer[answer]
	return func(t time.Time) (string, bool) {
		today := dayOf(t)
		a := latest.Load()
		if a == nil || a.day != today {
			name, closed := look(today, t)
			a = &answer{today, name, closed}
			latest.Store(a)
		}
		return a.name, a.closed
	}, nil
}
