package history

import (
	"bytes"
	"strings"
	"time"

	"pbxguard/tabular"
)

// greenwich says whether a call shows that its file is in UTC, and not in the
// PBX's zone. Asterisk's ids begin with the second in which the caller's channel
// came up, which is when the first record of it begins; Debian's packages set
// usegmtime for cdr_csv, Asterisk's own samples do not. The first call of which
// one reading alone is right settles it.
func (p *rowReader) greenwich(c *Call, row *tabular.Row) bool {
	if p.settled || p.clock.zone == nil {
		return false
	}
	at, ok := born(c.ID)
	if !ok || len(bytes.TrimSpace(p.cell(row, colStart))) != len(time.DateTime) {
		return false
	}
	here, there := near(c.Start, at), near(p.clock.again(c.Start), at)
	p.settled = here != there
	return there && !here
}

// born reads the time out of one of Asterisk's ids: 1795349453.0, or with a
// system's name before, pbx1-1795349453.0.
func born(id string) (at time.Time, ok bool) {
	seconds, _, _ := strings.Cut(id[strings.LastIndexByte(id, '-')+1:], ".")
	if len(seconds) != 10 {
		return at, false
	}
	var c clock
	return c.epoch([]byte(seconds))
}
