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

// read reads "2026-11-22 08:40:05" (with a fraction perhaps, and T for the
// space), or seconds since 1970.
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
	if len(b) > 19 && (b[len(b)-1] == 'Z' || len(b) >= 22 && (b[len(b)-6] == '+' || b[len(b)-3] == '+')) {
		for _, form := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07"} {
			if t, err := time.Parse(form, string(b)); err == nil {
				return t, true
			}
		}
		return t, false
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
	ns := 0
	if len(b) > 20 && b[19] == '.' {
		scale := 100_000_000
		for _, d := range b[20:] {
			if d < '0' || d > '9' {
				return t, false
			}
			ns += int(d-'0') * scale
			scale /= 10
		}
	}
	return time.Unix(c.at+int64(v[4]*60+v[5]), int64(ns)), true
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
