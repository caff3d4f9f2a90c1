package tariff

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pbxguard/guard"
	"pbxguard/tabular"
)

// Bounds of a deck: beyond them it is some other file.
const (
	maxRows    = 4_000_000
	maxPerMin  = 1000 * guard.Unit // the dearest satellite call costs some 10
	maxSeconds = 3600
)

// columns are the names that a deck's first row may have. Others are left out.
const (
	colPrefix = iota
	colRate
	colSetup
	colCurrency
	colStep
	colLeast
	colFrom
	columns
)

var columnNames = map[string]int{
	"prefix": colPrefix, "rate": colRate, "setup": colSetup, "currency": colCurrency,
	"increment": colStep, "min": colLeast, "valid_from": colFrom,
}

// Read reads a rate deck: rows separated by commas, semicolons or tabs, under a
// row of names, of which prefix and rate must be there:
//
//	prefix,description,rate,currency,increment,min,valid_from
//	31,Netherlands,0.0100,EUR,1,0,2026-01-01
//
// A rate is the price of a minute, increment and min are seconds, setup (if it
// is there) is the price of an answered call besides. valid_from is a date, or
// a date and time, in zone; without it a row always holds. A deck that names no
// currency is in EUR. Rows that are wrong
// are left out and told in faults. The error is about the file as a whole.
func Read(file string, in io.Reader, zone *time.Location) (d *Deck, faults tabular.Faults, err error) {
	r := tabular.NewReader(file, in)
	r.Comment = '#'
	r.Sniff()
	p := deckReader{deck: &Deck{File: file}, rates: map[guard.Rate]uint32{}, zone: zone, comma: r.Comma == ';'}
	var row tabular.Row
	if err := r.Read(&row); err != nil {
		return nil, faults, &fileError{file, fmt.Errorf("there is no row of column names: %w", err)}
	}
	if err := p.head(&row); err != nil {
		return nil, faults, err
	}
	for {
		err := r.Read(&row)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.row(&row)
		}
		if err != nil && !faults.Add(err) {
			return nil, faults, err
		}
	}
	if len(p.deck.rows) == 0 {
		return nil, faults, &fileError{file, errors.New("it has no usable row")}
	}
	if p.deck.currency == "" {
		p.deck.currency = "EUR"
	}
	p.finish(&faults)
	return p.deck, faults, nil
}

type deckReader struct {
	deck  *Deck
	rates map[guard.Rate]uint32
	zone  *time.Location
	comma bool // decimals may be written with one
	at    [columns]int
	lines []int // of the rows, for what is given twice
}

// head finds the columns.
func (p *deckReader) head(row *tabular.Row) error {
	for i := range p.at {
		p.at[i] = -1
	}
	for i, f := range row.Fields {
		if c, ok := columnNames[strings.ToLower(string(bytes.TrimSpace(f)))]; ok && p.at[c] < 0 {
			p.at[c] = i
		}
	}
	for _, name := range []string{"prefix", "rate"} {
		if p.at[columnNames[name]] < 0 {
			return &fileError{p.deck.File, row.Wrong(-1, "there is no column called %q", name)}
		}
	}
	return nil
}

func (p *deckReader) row(row *tabular.Row) error {
	if len(p.deck.rows) >= maxRows {
		return &fileError{p.deck.File, fmt.Errorf("it has more than %d rows", maxRows)}
	}
	key, err := p.prefix(row)
	if err != nil {
		return err
	}
	if err := p.currency(row); err != nil {
		return err
	}
	var rate guard.Rate
	if rate.PerMinute, err = p.money(row, colRate); err != nil {
		return err
	}
	if rate.Setup, err = p.money(row, colSetup); err != nil {
		return err
	}
	if rate.Step, err = p.seconds(row, colStep, 1); err != nil {
		return err
	}
	if rate.Least, err = p.seconds(row, colLeast, 0); err != nil {
		return err
	}
	from, err := p.from(row)
	if err != nil {
		return err
	}
	p.add(key, from, rate, row.Line)
	return nil
}

func (p *deckReader) add(key uint64, from time.Time, rate guard.Rate, line int) {
	v, ok := p.rates[rate]
	if !ok {
		v = uint32(len(p.deck.rates))
		p.rates[rate] = v
		p.deck.rates = append(p.deck.rates, rate)
	}
	p.deck.rows = append(p.deck.rows, row{prefix: key, from: from, rate: v})
	p.lines = append(p.lines, line)
}

// cell is a field of the row without its spaces, nil if there is none.
func (p *deckReader) cell(row *tabular.Row, col int) (int, []byte) {
	i := p.at[col]
	if i < 0 || i >= len(row.Fields) {
		return -1, nil
	}
	return i, bytes.TrimSpace(row.Fields[i])
}

func (p *deckReader) prefix(row *tabular.Row) (uint64, error) {
	i, cell := p.cell(row, colPrefix)
	digits := bytes.TrimPrefix(bytes.TrimPrefix(cell, []byte("+")), []byte("00"))
	key, ok := pack(digits)
	if !ok || digits[0] == '0' {
		return 0, row.Wrong(i, "a prefix is a country code and further digits, not %s", tabular.Shown(cell))
	}
	return key, nil
}

// currency holds every row to the currency of the first.
func (p *deckReader) currency(row *tabular.Row) error {
	i, cell := p.cell(row, colCurrency)
	code := strings.ToUpper(string(cell))
	switch {
	case code == "":
	case len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return row.Wrong(i, "a currency is three letters, not %s", tabular.Shown(cell))
	case p.deck.currency == "":
		p.deck.currency = code
	case p.deck.currency != code:
		return row.Wrong(i, "the deck is in %s, not in %s", p.deck.currency, code)
	}
	return nil
}

func (p *deckReader) money(row *tabular.Row, col int) (guard.Money, error) {
	i, cell := p.cell(row, col)
	if len(cell) == 0 {
		if col == colRate {
			return 0, row.Wrong(i, "there is no rate")
		}
		return 0, nil
	}
	m, err := ParseMoney(string(cell), p.comma)
	switch {
	case err != nil:
		return 0, row.Wrong(i, "%v", err)
	case m < 0:
		return 0, row.Wrong(i, "a price cannot be negative (%s)", tabular.Shown(cell))
	case m > maxPerMin:
		return 0, row.Wrong(i, "%s is too much to be a price", tabular.Shown(cell))
	}
	return m, nil
}

// ParseMoney reads an amount such as "0.0135" exactly, to the millionth, beyond
// which it is rounded up. comma allows "0,0135".
func ParseMoney(s string, comma bool) (guard.Money, error) {
	fault := fmt.Errorf("%s is no amount", tabular.Shown([]byte(s)))
	text, negative := strings.CutPrefix(s, "-")
	if comma {
		text = strings.Replace(text, ",", ".", 1)
	}
	whole, rest, _ := strings.Cut(text, ".")
	if whole+rest == "" || len(whole) > 9 || len(rest) > 20 {
		return 0, fault
	}
	const places = 6
	var m guard.Money
	for i, c := range []byte(whole + rest) {
		switch {
		case c < '0' || c > '9':
			return 0, fault
		case i < len(whole)+places:
			m = m*10 + guard.Money(c-'0')
		}
	}
	for i := len(rest); i < places; i++ {
		m *= 10
	}
	if len(rest) > places && strings.Trim(rest[places:], "0") != "" {
		m++
	}
	if negative {
		m = -m
	}
	return m, nil
}

func (p *deckReader) seconds(row *tabular.Row, col, otherwise int) (time.Duration, error) {
	i, cell := p.cell(row, col)
	if len(cell) == 0 {
		return time.Duration(otherwise) * time.Second, nil
	}
	n := 0
	for _, c := range cell {
		if c < '0' || c > '9' || n > maxSeconds {
			return 0, row.Wrong(i, "must be whole seconds, not %s", tabular.Shown(cell))
		}
		n = n*10 + int(c-'0')
	}
	if n < otherwise || n > maxSeconds {
		return 0, row.Wrong(i, "must be %d to %d seconds, not %s", otherwise, maxSeconds, tabular.Shown(cell))
	}
	return time.Duration(n) * time.Second, nil
}

var dateForms = []string{"2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339}

func (p *deckReader) from(row *tabular.Row) (time.Time, error) {
	i, cell := p.cell(row, colFrom)
	if len(cell) == 0 {
		return time.Time{}, nil
	}
	for _, form := range dateForms {
		if t, err := time.ParseInLocation(form, string(cell), p.zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, row.Wrong(i, "must be a date such as 2026-01-31, not %s", tabular.Shown(cell))
}

// finish sorts the rows and leaves out what is given twice: the first one holds.
func (p *deckReader) finish(faults *tabular.Faults) {
	order := make([]int, len(p.deck.rows))
	for i := range order {
		order[i] = i
	}
	rows := p.deck.rows
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rows[a].prefix, rows[b].prefix), rows[a].from.Compare(rows[b].from), cmp.Compare(a, b))
	})
	sorted := make([]row, 0, len(rows))
	first := 0
	for _, i := range order {
		if n := len(sorted); n > 0 && sorted[n-1].prefix == rows[i].prefix && sorted[n-1].from.Equal(rows[i].from) {
			faults.Add(&tabular.Error{File: p.deck.File, Line: p.lines[i],
				Reason: fmt.Sprintf("prefix %s is given on line %d already", unpack(rows[i].prefix), p.lines[first])})
			continue
		}
		first = i
		sorted = append(sorted, rows[i])
	}
	p.deck.rows = slices.Clip(sorted)
}
