package history

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"pbxguard/tabular"
)

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

// names are what the columns are called in tables of Asterisk's cdr, exports of
// FreePBX, FreeSWITCH's modules that write to databases, and FusionPBX's
// v_xml_cdr.
var names = map[string]column{
	"uniqueid": colID, "uuid": colID, "xml_cdr_uuid": colID, "linkedid": colGroup,
	"calldate": colStart, "start": colStart, "start_stamp": colStart, "start_epoch": colStart, "start_uepoch": colStart,
	"answer": colAnswer, "answer_stamp": colAnswer, "answer_epoch": colAnswer, "answer_uepoch": colAnswer,
	"end": colEnd, "end_stamp": colEnd, "end_epoch": colEnd, "end_uepoch": colEnd,
	"duration": colDuration, "billsec": colTalked,
	"src": colFrom, "caller_id_number": colFrom,
	"dst": colDialled, "destination_number": colDialled, "caller_destination": colDialled,
	"dcontext": colContext, "context": colContext,
	"channel": colChannel, "dstchannel": colOther, "channel_name": colChannel, "bridge_channel": colOther,
	"lastapp": colApp, "lastdata": colData, "last_app": colApp, "last_arg": colData,
	"disposition": colOutcome, "hangup_cause": colOutcome, "hangup_cause_q850": colCause,
	"accountcode": colAccount, "account_code": colAccount, "extension": colAccount, "sip_auth_username": colAccount,
	"bleg_uuid": colOtherID, "bridge_uuid": colOtherID, "direction": colDirection,
	"sip_gateway_name": colGateway, "network_addr": colSource, "sip_network_ip": colSource,
	"sip_user_agent": colAgent, "domain_name": colDomain, "outbound_cnum": colShown,
}

// layouts are those of files without a row of names. Of a table that has more
// columns than are listed the others are left out.
var layouts = []struct {
	least   int // columns
	columns []column
}{
	// Master.csv of Asterisk's cdr_csv, which has uniqueid and userfield if the
	// configuration wants them; the template "asterisk" of FreeSWITCH's
	// mod_cdr_csv is after it.
	{16, []column{colAccount, colFrom, colDialled, colContext, colNone, colChannel, colOther, colApp, colData,
		colStart, colAnswer, colEnd, colDuration, colTalked, colOutcome, colNone, colID, colNone}},
	// What cdr_custom.conf of Asterisk's samples maps.
	{14, []column{colNone, colFrom, colDialled, colContext, colChannel, colOther, colApp, colData,
		colStart, colAnswer, colEnd, colDuration, colTalked, colOutcome, colNone, colAccount, colID, colNone}},
	// The table cdr as FreePBX has it, and before it Asterisk's own for ODBC,
	// PostgreSQL and MySQL; cdr_sqlite3_custom puts a number before.
	{12, tableColumns},
	{13, append([]column{colNone}, tableColumns...)},
	// What cdr_sqlite3_custom.conf of Asterisk's samples maps: without dst.
	{12, append([]column{colNone}, shortColumns...)},
	{11, shortColumns},
	// The template "example" of mod_cdr_csv, which is its default; others of
	// its own go on after it.
	{11, []column{colNone, colFrom, colDialled, colContext, colStart, colAnswer, colEnd,
		colDuration, colTalked, colOutcome, colID, colOtherID, colAccount, colNone, colNone, colAgent}},
	// Its template "opencdrrate", which tells of answered calls only.
	{9, []column{colID, colOtherID, colDirection, colFrom, colDialled, colStart, colEnd, colTalked, colAccount, colNone, colSource, colNone, colGateway}},
}

var (
	tableColumns = []column{colStart, colNone, colFrom, colDialled, colContext, colChannel, colOther, colApp, colData,
		colDuration, colTalked, colOutcome, colNone, colAccount, colID, colNone,
		colNone, colNone, colNone, colNone, colShown, colNone, colNone, colGroup, colNone, colNone}
	shortColumns = []column{colStart, colNone, colContext, colChannel, colOther, colApp, colData,
		colDuration, colTalked, colOutcome, colNone, colAccount, colID, colNone, colNone}
)

// ErrForm means that a file is none that can be read.
var ErrForm = errors.New("is no call record file that is known: Asterisk's Master.csv, a cdr table as CSV or tab-separated (under a row of names, if its columns are in an order of their own), FreeSWITCH's cdr-csv, xml_cdr or JSON")

// head learns the layout from the first row: its names, or what stands in it.
func (p *rowReader) head(row *tabular.Row) (named, known bool) {
	var layout []column
	exact := map[int]bool{}
	for i, f := range row.Fields {
		name := strings.ToLower(strings.Trim(string(f), " `'[]"))
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			name = name[dot+1:] // the table's name stands before
		}
		layout = append(layout, names[name])
		exact[i] = strings.HasSuffix(name, "epoch")
	}
	p.use(layout)
	for i, c := range layout { // seconds since 1970 know no zones
		if exact[i] && c != colNone {
			p.at[c] = i
		}
	}
	if p.at[colStart] >= 0 && (p.at[colDialled] >= 0 || p.at[colChannel] >= 0 && p.at[colData] >= 0) {
		return true, true
	}
	for _, l := range layouts {
		if len(row.Fields) < l.least {
			continue
		}
		if p.use(l.columns); p.fits(row) {
			return false, true
		}
	}
	p.layout = nil
	return false, false
}

// fits says whether a row can be one of the layout in use.
func (p *rowReader) fits(row *tabular.Row) bool {
	if p.at[colOutcome] >= 0 && !isWord(p.cell(row, colOutcome)) {
		return false
	}
	for i, c := range p.layout[:min(len(p.layout), len(row.Fields))] {
		f := row.Fields[i]
		_, isTime := p.clock.read(f)
		switch c {
		case colStart:
			if !isTime {
				return false
			}
		case colAnswer, colEnd:
			if !isTime && !isNone(f) && !zeroTime(f) {
				return false
			}
		case colDuration, colTalked:
			if len(f) == 0 || len(bytes.Trim(f, "0123456789.")) > 0 {
				return false
			}
		case colChannel:
			if bytes.IndexByte(f, '/') < 0 {
				return false
			}
		case colFrom, colDialled:
			if isTime && len(f) >= 19 {
				return false
			}
		}
	}
	return true
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

// cell is a field of a row, nil if it has none or a database had no value.
func (p *rowReader) cell(row *tabular.Row, c column) []byte {
	if i := p.at[c]; i >= 0 && i < len(row.Fields) && !isNone(row.Fields[i]) {
		return row.Fields[i]
	}
	return nil
}

// isNone says whether a field is how databases write that there is no value.
func isNone(f []byte) bool {
	switch len(f) {
	case 0:
		return true
	case 2:
		return string(f) == `\N`
	case 4:
		return string(f) == "NULL" || string(f) == "null"
	}
	return false
}

// zeroTime says whether a field is MySQL's time that is none.
func zeroTime(f []byte) bool { return bytes.HasPrefix(f, []byte("0000-00-00")) }

// isWord says whether a field is the word that a call's end has.
func isWord(f []byte) bool {
	f = bytes.TrimSpace(f)
	_, known := causes[string(f)]
	return known || len(f) > 2 && len(bytes.Trim(f, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")) == 0
}

// short says that a row lacks what the first ones had.
func (p *rowReader) short(row *tabular.Row) error {
	last := 0
	for _, c := range []column{colStart, colDialled, colTalked, colDuration, colOutcome, colChannel} {
		last = max(last, p.at[c])
	}
	if len(row.Fields) > last {
		return nil
	}
	return row.Wrong(-1, "has %d fields, where others have %s", len(row.Fields), fmt.Sprint(max(p.width, last+1)))
}
