package history

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"pbxguard/guard"
	"pbxguard/tabular"
)

// Source says what a file of call records is read with.
type Source struct {
	PBX  string
	Zone *time.Location // of its times; nil: UTC
	// Internal says whether a number stays inside the PBX. FreeSWITCH's CSV
	// does not tell which calls left it.
	Internal func(number string) bool
	Size     int64 // of the file, if it is known
	// Progress, if set, is told now and then how many bytes have been read.
	Progress func(bytes int64)
}

// ReadRows reads call records in rows: of Asterisk's Master.csv, of FreeSWITCH's
// cdr-csv, or under a row of names. A row that is wrong is left out and told in
// faults.
func ReadRows(file string, in io.Reader, src Source) (calls []Call, faults tabular.Faults, err error) {
	return readRows(file, in, src, func(string) {})
}

// readRows tells note what it found out about the file as a whole.
func readRows(file string, in io.Reader, src Source, note func(string)) (calls []Call, faults tabular.Faults, err error) {
	r := tabular.NewReader(file, in)
	r.Loose = true
	r.Sniff()
	p := rowReader{file: file, src: src, words: words{}, clock: clock{zone: src.Zone}}
	var row tabular.Row
	for n := 0; ; n++ {
		err := r.Read(&row)
		if err == io.EOF {
			break
		}
		if err == nil && p.layout == nil {
			named, known := p.head(&row)
			p.width = len(row.Fields)
			if !known {
				return nil, faults, fmt.Errorf("%s %w", file, ErrForm)
			}
			if named {
				continue
			}
		}
		if len(calls) == cap(calls) {
			calls = slices.Grow(calls, more(len(calls), r.Offset(), src.Size))
		}
		c := &calls[:len(calls)+1][len(calls)] // made where it stays: it is half a kilobyte
		if err == nil {
			err = p.call(&row, c)
		}
		if err == nil && p.greenwich(c, &row) {
			note("its times are in UTC, as the ids of its calls show")
			for i := range calls {
				calls[i].Start = p.clock.again(calls[i].Start)
			}
			p.clock = clock{}
			err = p.call(&row, c)
		}
		switch {
		case err == nil:
			calls = calls[:len(calls)+1]
		case !faults.Add(err):
			return nil, faults, err
		}
		if src.Progress != nil && n%10_000 == 0 {
			src.Progress(r.Offset())
		}
	}
	return calls, faults, nil
}

// more is how many rows are still to come, as far as can be told from how many
// the first bytes of a file have had.
func more(rows int, read, size int64) int {
	const few = 1000
	if rows < few || read <= 0 {
		return few
	}
	left := float64(max(size-read, 0)) / float64(read) * float64(rows)
	return rows/8 + int(min(left, 4e6))
}

type rowReader struct {
	file    string
	src     Source
	words   words
	clock   clock
	scratch []byte
	layout  []column
	settled bool             // which zone the times are in is known
	width   int              // fields of the first row
	at      [columnCount]int // of each column, -1 if there is none
}

// call makes c the call of a row.
func (p *rowReader) call(row *tabular.Row, c *Call) error {
	*c = Call{File: p.file, Line: row.Line}
	if err := p.short(row); err != nil {
		return err
	}
	if err := p.times(row, c); err != nil {
		return err
	}
	c.ID = string(p.cell(row, colID))
	c.Group = string(p.cell(row, colGroup))
	if c.Group == c.ID {
		c.Group = ""
	}
	c.Dialled = p.words.of(bytes.TrimSpace(p.cell(row, colDialled)))
	c.Context = p.words.of(p.cell(row, colContext))
	c.Caller = p.words.of(p.cell(row, colFrom))
	c.Shown = p.words.of(p.cell(row, colShown))
	c.Cause = p.cause(row)
	p.where(row, c)
	if channel := p.cell(row, colChannel); p.at[colChannel] >= 0 && !switched(channel) {
		p.channels(row, c)
	} else {
		p.parties(row, c)
	}
	return nil
}

// times reads when a call began, was answered and ended.
func (p *rowReader) times(row *tabular.Row, c *Call) error {
	start, ok := p.clock.read(p.cell(row, colStart))
	if !ok {
		return row.Wrong(p.at[colStart], "is no time: %s", tabular.Shown(p.cell(row, colStart)))
	}
	c.Start = start
	whole, err := p.seconds(row, colDuration)
	if err != nil {
		return err
	}
	talked, err := p.seconds(row, colTalked)
	if err != nil {
		return err
	}
	c.End = whole
	if end, ok := p.clock.read(p.cell(row, colEnd)); ok && end.After(start) {
		c.End = end.Sub(start)
	}
	outcome := string(bytes.TrimSpace(p.cell(row, colOutcome)))
	answered := talked > 0 || p.at[colTalked] < 0 || outcome == "ANSWERED" || outcome == "NORMAL_CLEARING"
	if at, ok := p.clock.read(p.cell(row, colAnswer)); ok && answered && !at.Before(start) {
		c.Answer = at.Sub(start)
	} else if talked > 0 {
		c.Answer = c.End - talked
	}
	told := len(p.cell(row, colAnswer)) > 0 || p.at[colAnswer] < 0 && outcome == "ANSWERED"
	if c.Answer > 0 || talked > 0 || answered && told {
		c.Answer = max(c.Answer, time.Millisecond) // at once, but answered
		c.End = max(c.End, c.Answer+talked)
	}
	if c.End > longest {
		return row.Wrong(p.at[colStart], "lasts %v, which no call does", c.End)
	}
	return nil
}

// longest is how long a call may last that is believed.
const longest = 7 * 24 * time.Hour

func (p *rowReader) seconds(row *tabular.Row, col column) (time.Duration, error) {
	text := bytes.TrimSpace(p.cell(row, col))
	if len(text) == 0 {
		return 0, nil
	}
	n := int64(0)
	for i, b := range text {
		if b == '.' && i > 0 {
			break
		}
		if b < '0' || b > '9' || n > 1e9 {
			return 0, row.Wrong(p.at[col], "must be seconds, not %s", tabular.Shown(text))
		}
		n = n*10 + int64(b-'0')
	}
	return time.Duration(n) * time.Second, nil
}

func (p *rowReader) account(name []byte) guard.Account {
	return guard.Account{PBX: p.src.PBX, Name: p.words.of(name)}
}
