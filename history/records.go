package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

// column is something that a record may tell.
type column uint8

const (
	colNone column = iota
	colID
	colGroup
	colStart
	colAnswer
	colEnd
	colDuration
	colTalked
	colFrom    // the caller's number
	colDialled // as the caller dialled
	colContext
	colChannel
	colOther
	colApp
	colData
	colOutcome
	colCause
	colAccount // who is charged, as the PBX was told
	colOtherID
	colDirection
	colGateway
	colSource
	colAgent
	colDomain
	colShown
	columnCount
)

// names are what the columns are called in tables of Asterisk's cdr, cel-free
// exports of FreePBX, FreeSWITCH's odbc_cdr and FusionPBX's v_xml_cdr.
var names = map[string]column{
	"uniqueid": colID, "uuid": colID, "xml_cdr_uuid": colID, "linkedid": colGroup,
	"calldate": colStart, "start": colStart, "start_stamp": colStart, "start_epoch": colStart,
	"answer": colAnswer, "answer_stamp": colAnswer, "answer_epoch": colAnswer,
	"end": colEnd, "end_stamp": colEnd, "end_epoch": colEnd,
	"duration": colDuration, "billsec": colTalked,
	"src": colFrom, "caller_id_number": colFrom,
	"dst": colDialled, "destination_number": colDialled, "caller_destination": colDialled,
	"dcontext": colContext, "context": colContext,
	"channel": colChannel, "dstchannel": colOther, "lastapp": colApp, "lastdata": colData,
	"disposition": colOutcome, "hangup_cause": colOutcome, "hangup_cause_q850": colCause,
	"accountcode": colAccount, "extension": colAccount, "sip_auth_username": colAccount,
	"bleg_uuid": colOtherID, "bridge_uuid": colOtherID, "direction": colDirection,
	"sip_gateway_name": colGateway, "network_addr": colSource, "sip_network_ip": colSource,
	"sip_user_agent": colAgent, "domain_name": colDomain, "outbound_cnum": colShown,
}

// Layouts of files without a row of names.
var (
	// masterColumns are those of Asterisk's cdr_csv: Master.csv, with uniqueid
	// and userfield if the configuration wants them.
	masterColumns = []column{colAccount, colFrom, colDialled, colContext, colNone, colChannel, colOther,
		colApp, colData, colStart, colAnswer, colEnd, colDuration, colTalked, colOutcome, colNone, colID, colNone}
	// switchColumns are those of the template "example" of FreeSWITCH's
	// mod_cdr_csv, which is its default.
	switchColumns = []column{colNone, colFrom, colDialled, colContext, colStart, colAnswer, colEnd,
		colDuration, colTalked, colOutcome, colID, colOtherID, colAccount, colNone, colNone}
)

// ErrForm means that a file is none that can be read.
var ErrForm = errors.New("is no call record file that is known: Asterisk's Master.csv, a cdr table as CSV under a row of names, FreeSWITCH's cdr-csv, xml_cdr or JSON")

// ReadRows reads call records in rows: of Asterisk's Master.csv, of FreeSWITCH's
// cdr-csv, or under a row of names. A row that is wrong is left out and told in
// faults.
func ReadRows(file string, in io.Reader, src Source) (calls []Call, faults tabular.Faults, err error) {
	r := tabular.NewReader(file, in)
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
			if !known {
				return nil, faults, fmt.Errorf("%s %w", file, ErrForm)
			}
			if named {
				continue
			}
		}
		var c Call
		if err == nil {
			c, err = p.call(&row)
		}
		switch {
		case err == nil:
			if len(calls) == cap(calls) {
				calls = slices.Grow(calls, more(len(calls), r.Offset(), src.Size))
			}
			calls = append(calls, c)
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
	at      [columnCount]int // of each column, -1 if there is none
}

// head learns the layout from the first row: its names, or what stands in it.
func (p *rowReader) head(row *tabular.Row) (named, known bool) {
	var layout []column
	for _, f := range row.Fields {
		layout = append(layout, names[strings.ToLower(string(bytes.TrimSpace(f)))])
	}
	p.use(layout)
	if p.at[colStart] >= 0 && p.at[colDialled] >= 0 {
		return true, true
	}
	isTime := func(i int) bool {
		if i >= len(row.Fields) {
			return false
		}
		_, ok := p.clock.read(row.Fields[i])
		return ok
	}
	switch {
	case len(row.Fields) >= 16 && isTime(9) && isTime(11):
		p.use(masterColumns)
	case len(row.Fields) >= 11 && isTime(4) && isTime(6):
		p.use(switchColumns)
	default:
		p.layout = nil
		return false, false
	}
	return false, true
}

func (p *rowReader) use(layout []column) {
	p.layout = layout
	for i := range p.at {
		p.at[i] = -1
	}
	for i, c := range layout {
		if c != colNone && p.at[c] < 0 {
			p.at[c] = i
		}
	}
}

func (p *rowReader) cell(row *tabular.Row, c column) []byte {
	if i := p.at[c]; i >= 0 && i < len(row.Fields) {
		return row.Fields[i]
	}
	return nil
}

// call makes a call of a row.
func (p *rowReader) call(row *tabular.Row) (c Call, err error) {
	if len(row.Fields) < len(p.layout)-2 {
		return c, row.Wrong(-1, "has %d fields, where others have %d", len(row.Fields), len(p.layout))
	}
	c.File, c.Line = p.file, row.Line
	if err := p.times(row, &c); err != nil {
		return c, err
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
	p.where(row, &c)
	if p.at[colChannel] >= 0 {
		p.channels(row, &c)
	} else {
		p.parties(row, &c)
	}
	return c, nil
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
	if c.End > longest {
		return row.Wrong(p.at[colStart], "lasts %v, which no call does", c.End)
	}
	answered := talked > 0 || p.at[colTalked] < 0
	if at, ok := p.clock.read(p.cell(row, colAnswer)); ok && answered && !at.Before(start) {
		c.Answer = at.Sub(start)
	} else if talked > 0 {
		c.Answer = c.End - talked
	}
	if talked > 0 {
		c.Answer = max(c.Answer, time.Millisecond) // at once, but answered
		c.End = max(c.End, c.Answer+talked)
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
