package history

import "time"

// clock reads times as call records write them. Rows of one day come in a row,
// so the offset of the latest hour is kept.
type clock struct {
	zone *time.Location // nil: UTC
	hour int64          // the latest, as written, since 1970
	at   int64          // what it was in Unix seconds
	ok   bool
}

// again is the moment that a time is which was read in the clock's zone, and was
// written in UTC.
func (c *clock) again(t time.Time) time.Time {
	if c.zone == nil {
		return t
	}
	t = t.In(c.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// read reads "2026-11-22 08:40:05" (with a fraction and an offset from UTC
// perhaps, and T for the space), or seconds since 1970.
func (c *clock) read(b []byte) (t time.Time, ok bool) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) < 19 {
		return c.epoch(b)
	}
	var v [6]int
	for i, f := range [...]struct{ from, len int }{{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}} {
		for _, d := range b[f.from : f.from+f.len] {
			if d < '0' || d > '9' {
				return t, false
			}
			v[i] = v[i]*10 + int(d-'0')
		}
	}
	if b[4] != '-' || b[7] != '-' || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' ||
		v[0] < 1990 || v[0] > 2200 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60 {
		return t, false
	}
	rest, ns := b[19:], 0
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for scale := 100_000_000; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			ns += int(rest[n]-'0') * scale
			scale /= 10
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		ahead, ok := offset(rest)
		at := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], ns, time.UTC)
		return at.Add(-ahead), ok
	}
	hour := (int64(v[0])*12+int64(v[1]))*31*24 + int64(v[2])*24 + int64(v[3])
	if !c.ok || c.hour != hour {
		zone := c.zone
		if zone == nil {
			zone = time.UTC
		}
		c.hour, c.ok = hour, true
		c.at = time.Date(v[0], time.Month(v[1]), v[2], v[3], 0, 0, 0, zone).Unix()
	}
	return time.Unix(c.at+int64(v[4]*60+v[5]), int64(ns)), true
}

// offset reads how far a zone is ahead of UTC: Z, UTC, +01, -0530, +01:00.
func offset(b []byte) (ahead time.Duration, ok bool) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	switch string(b) {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	sign := time.Duration(1)
	switch b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	digits := make([]byte, 0, 4)
	for i, d := range b[1:] {
		switch {
		case d >= '0' && d <= '9' && len(digits) < 4:
			digits = append(digits, d-'0')
		case d == ':' && i == 2:
		default:
			return 0, false
		}
	}
	switch len(digits) {
	case 2:
		digits = append(digits, 0, 0)
	case 4:
	default:
		return 0, false
	}
	hours, minutes := int(digits[0])*10+int(digits[1]), int(digits[2])*10+int(digits[3])
	ahead = sign * time.Duration(hours*60+minutes) * time.Minute
	return ahead, hours <= 14 && minutes < 60
}

// epoch reads seconds since 1970; 0 is no time.
func (c *clock) epoch(b []byte) (t time.Time, ok bool) {
	n := int64(0)
	for _, d := range b {
		if d < '0' || d > '9' {
			return t, false
		}
		n = n*10 + int64(d-'0')
	}
	if len(b) > 16 || n < 600_000_000 {
		return t, false
	}
	if len(b) >= 14 { // FreeSWITCH's uepoch
		return time.UnixMicro(n), true
	}
	return time.Unix(n, 0), len(b) <= 10
}
