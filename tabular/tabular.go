// Package tabular reads rows of separated values, such as rate decks and call
// records, and says where in the file each field stands.
//
// It differs from encoding/csv in what happens to a row that is wrong: that row
// alone is lost. A quotation mark that is never closed costs its line and not
// the rest of the file, and no input makes the reader hold more than [MaxRow].
package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxRow is how long a row may be, in bytes. Real ones have some hundreds.
const MaxRow = 64 << 10

// Error says what is wrong with a row and where: the file goes on behind it.
type Error struct {
	File   string
	Line   int // 1 is the first
	Col    int // the byte within the line, from 1; 0 when it is the row as a whole
	Reason string
}

// Error writes FILE:LINE:COL: REASON.
func (e *Error) Error() string {
	if e.Col == 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Reason)
}

// Reader reads rows from a file. Make one with [NewReader].
type Reader struct {
	// Comma separates the fields.
	Comma byte
	// Comment, if it is not 0, begins a line that is left out.
	Comment byte
	// Loose takes what programs write that know nothing of quotation marks in
	// what they quote: those escaped by a backslash or not at all, blanks around
	// the outer ones, and text between tabs that only begins with one.
	Loose bool

	file     string
	in       io.Reader
	buf      []byte // what was read; [at:end] is still to be parsed
	at, end  int
	ended    error // of in
	line     int   // of buf[at]
	consumed int64
	fields   [][]byte
	cols     []int
	scratch  []byte // where doubled quotation marks are undone
	eol      int    // where the first line of what is parsed ends
	nul      bool   // and whether it has a NUL byte
}

// NewReader returns a reader of comma-separated rows; file is the name in its
// errors. A byte order mark at the beginning is left out.
func NewReader(file string, in io.Reader) *Reader {
	return &Reader{Comma: ',', file: file, in: in, buf: make([]byte, 4*MaxRow), line: 1}
}

// Offset is how many bytes have been parsed.
func (r *Reader) Offset() int64 { return r.consumed }

// Sniff makes the most frequent of , ; | and tab in the first line that is no
// comment the separator.
func (r *Reader) Sniff() {
	r.fill()
	first, rest, _ := bytes.Cut(r.buf[r.at:r.end], []byte("\n"))
	for r.Comment != 0 && len(first) > 0 && first[0] == r.Comment {
		first, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	for _, c := range []byte(",;\t|") {
		if bytes.Count(first, []byte{c}) > bytes.Count(first, []byte{r.Comma}) {
			r.Comma = c
		}
	}
}

// Row is one row. Its fields are valid until the next [Reader.Read].
type Row struct {
	Line   int
	Fields [][]byte
	cols   []int
	file   string
}

// Wrong makes an [Error] about field i of the row, or about the row with -1.
func (w *Row) Wrong(i int, format string, args ...any) *Error {
	e := &Error{File: w.file, Line: w.Line, Reason: fmt.Sprintf(format, args...)}
	if i >= 0 && i < len(w.cols) {
		e.Col = w.cols[i]
	}
	return e
}

// Read returns the next row that is not empty, io.EOF after the last one. An
// [*Error] is about one row; reading goes on behind it.
func (r *Reader) Read(row *Row) error {
	for {
		if r.end-r.at < MaxRow {
			r.fill()
		}
		if r.at == r.end {
			if r.ended == io.EOF {
				return io.EOF
			}
			return fmt.Errorf("cannot read %s: %w", r.file, r.ended)
		}
		data := r.buf[r.at:min(r.end, r.at+MaxRow)]
		switch {
		case data[0] == '\n':
			r.skip(1, 1)
			continue
		case data[0] == '\r' && (len(data) == 1 || data[1] == '\n'):
			r.skip(min(2, len(data)), min(1, len(data)-1))
			continue
		case r.Comment != 0 && data[0] == r.Comment:
			r.skipLine()
			continue
		}
		*row = Row{Line: r.line, file: r.file}
		n, lines, err := r.parse(data)
		if err != nil {
			err.File, err.Line = r.file, r.line
			r.skipLine()
			return err
		}
		row.Fields, row.cols = r.fields, r.cols
		r.skip(n, lines)
		return nil
	}
}

// parse takes the first row of data apart. It returns how long it is and how
// many line breaks it has.
func (r *Reader) parse(data []byte) (n, lines int, wrong *Error) {
	r.fields, r.cols, r.scratch = r.fields[:0], r.cols[:0], r.scratch[:0]
	if r.eol = bytes.IndexByte(data, '\n'); r.eol < 0 {
		r.eol = len(data)
	}
	r.nul = bytes.IndexByte(data[:r.eol], 0) >= 0
	for at := 0; ; {
		r.cols = append(r.cols, at+1)
		field, next, breaks, wrong := r.field(data, at)
		if wrong != nil {
			return 0, 0, wrong
		}
		r.fields = append(r.fields, field)
		lines += breaks
		switch {
		case next == len(data):
			if len(data) == MaxRow {
				return 0, 0, &Error{Reason: fmt.Sprintf("is longer than %d bytes", MaxRow)}
			}
			return next, lines, nil
		case data[next] == '\n':
			return next + 1, lines + 1, nil
		}
		at = next + 1
	}
}

// field reads the field at data[at:] and says where it ends: at a separator, a
// line feed or the end of data.
func (r *Reader) field(data []byte, at int) (field []byte, next, breaks int, wrong *Error) {
	if at < len(data) && data[at] == '"' && !r.Loose {
		return r.quoted(data, at, false)
	}
	if begin := quoteAt(data, at); r.Loose && begin >= 0 {
		if field, next, breaks, wrong = r.loose(data, begin); wrong == nil {
			return field, next, breaks, nil
		}
		if r.Comma != '\t' && r.Comma != '|' {
			return nil, 0, 0, wrong
		}
	}
	next = at
	for next < len(data) && data[next] != r.Comma && data[next] != '\n' {
		next++
	}
	field = data[at:next]
	if next == len(data) || data[next] == '\n' {
		field = bytes.TrimSuffix(field, []byte("\r"))
	}
	if i := r.nulIn(field, next); i >= 0 {
		return nil, 0, 0, &Error{Col: at + i + 1, Reason: "has a NUL byte"}
	}
	return field, next, 0, nil
}

// nulIn finds the NUL byte in a field that ends before next. Most rows are a line,
// which was looked through at once.
func (r *Reader) nulIn(field []byte, next int) int {
	if next <= r.eol && !r.nul {
		return -1
	}
	return bytes.IndexByte(field, 0)
}

// quoteAt finds the quotation mark that opens the field at data[at:], which
// blanks may stand before; -1: it has none.
func quoteAt(data []byte, at int) int {
	for at < len(data) && data[at] == ' ' {
		at++
	}
	if at < len(data) && data[at] == '"' {
		return at
	}
	return -1
}

// loose reads a field in quotation marks in whichever way succeeds. Those who
// put tabs or bars between fields do not quote them at all, or quote them well.
func (r *Reader) loose(data []byte, at int) (field []byte, next, breaks int, wrong *Error) {
	if field, next, breaks, wrong = r.quoted(data, at, false); wrong == nil {
		return field, next, breaks, nil
	}
	if field, next, breaks, err := r.quoted(data, at, true); err == nil {
		return field, next, breaks, nil
	}
	if r.Comma != '\t' && r.Comma != '|' {
		if field, next, breaks, err := r.unescaped(data, at); err == nil {
			return field, next, breaks, nil
		}
	}
	return nil, 0, 0, wrong
}

// unescaped reads a field in quotation marks that may hold others: it ends in
// its line, at the first one that a separator follows.
func (r *Reader) unescaped(data []byte, at int) (field []byte, next, breaks int, wrong *Error) {
	line := data
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		line = data[:at+i]
	}
	line = bytes.TrimRight(line, " \r")
	for i := at + 1; i < len(line); i++ {
		if line[i] != '"' || i+1 < len(line) && line[i+1] != r.Comma {
			continue
		}
		if next = i + 1; next == len(line) {
			next += len(data[next:]) - len(bytes.TrimLeft(data[next:], " \r"))
		}
		if bytes.IndexByte(line[at:i], 0) >= 0 {
			break
		}
		return line[at+1 : i], next, 0, nil
	}
	return nil, 0, 0, &Error{Col: at + 1, Reason: "something stands behind the closing quotation mark"}
}

// quoted reads a field in quotation marks; two of them stand for one, and if
// marks are escaped a backslash and one do too.
func (r *Reader) quoted(data []byte, at int, escaped bool) (field []byte, next, breaks int, wrong *Error) {
	from, begin := len(r.scratch), at+1
	doubled := false
	for i := begin; ; {
		q := bytes.IndexByte(data[i:], '"')
		if q < 0 {
			return nil, 0, 0, &Error{Col: at + 1, Reason: "a quotation mark is not closed"}
		}
		i += q
		if escaped && i > begin && data[i-1] == '\\' {
			doubled = true
			r.scratch = append(append(r.scratch, data[begin:i-1]...), '"')
			i++
			begin = i
			continue
		}
		if i+1 < len(data) && data[i+1] == '"' {
			doubled = true
			r.scratch = append(r.scratch, data[begin:i+1]...)
			i += 2
			begin = i
			continue
		}
		field, next = data[begin:i], i+1
		break
	}
	if doubled {
		r.scratch = append(r.scratch, field...)
		field = r.scratch[from:len(r.scratch):len(r.scratch)]
	}
	if next > r.eol {
		breaks = bytes.Count(data[at:next], []byte("\n"))
	}
	for r.Loose && next < len(data) && data[next] == ' ' {
		next++
	}
	if next+1 < len(data) && data[next] == '\r' && data[next+1] == '\n' || next+1 == len(data) && data[next] == '\r' {
		next++
	}
	if next < len(data) && data[next] != r.Comma && data[next] != '\n' {
		return nil, 0, 0, &Error{Col: at + 1, Reason: "something stands behind the closing quotation mark"}
	}
	if r.nulIn(field, next) >= 0 {
		return nil, 0, 0, &Error{Col: at + 1, Reason: "has a NUL byte"}
	}
	return field, next, breaks, nil
}

// skip leaves n bytes with so many line breaks behind.
func (r *Reader) skip(n, lines int) {
	r.at += n
	r.consumed += int64(n)
	r.line += lines
}

// skipLine leaves the line at hand behind, however long it is.
func (r *Reader) skipLine() {
	for {
		if i := bytes.IndexByte(r.buf[r.at:r.end], '\n'); i >= 0 {
			r.skip(i+1, 1)
			return
		}
		r.skip(r.end-r.at, 0)
		if r.fill(); r.at == r.end {
			return
		}
	}
}

// fill reads on until the buffer is full or the file has ended.
func (r *Reader) fill() {
	if r.ended != nil {
		return
	}
	first := r.consumed == 0 && r.end == 0
	r.end = copy(r.buf, r.buf[r.at:r.end])
	r.at = 0
	for r.end < len(r.buf) && r.ended == nil {
		var n int
		n, r.ended = r.in.Read(r.buf[r.end:])
		r.end += n
	}
	if bom := []byte("\xef\xbb\xbf"); first && bytes.HasPrefix(r.buf[:r.end], bom) {
		r.at = len(bom)
	}
}

// Faults keeps the first of many errors and counts the rest.
type Faults struct {
	Kept  []*Error // at most 20
	Total int
}

// Add notes err if it is about a row, and says whether it is.
func (f *Faults) Add(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	f.Total++
	if len(f.Kept) < 20 {
		f.Kept = append(f.Kept, e)
	}
	return true
}

// Shown cuts foreign text to what fits into a message and quotes it.
func Shown(b []byte) string {
	const most = 40
	if len(b) > most {
		b = b[:most]
		for len(b) > 0 && !utf8.Valid(b[len(b)-1:]) && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
		return fmt.Sprintf("%q…", b)
	}
	return fmt.Sprintf("%q", b)
}
