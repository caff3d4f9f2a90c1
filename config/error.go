package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is one fault of a configuration file. [Load] and [Parse] join all that
// they find, in the order of the file.
type Error struct {
	File string
	Line int // 1 is the first; 0 when the fault is of the file as a whole
	// Col is the byte within the line, from 1. Only faults of syntax have one.
	Col    int
	Key    string // dotted, such as "rules.country.allow"; "" for faults of syntax
	Reason string
	// Value is what was found, quoted if it is text. It is empty when there is
	// nothing to show and always where it might be a secret.
	Value string
}

// Error writes FILE:LINE: KEY: REASON (got VALUE), on one line whatever the
// file contains.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Col > 0 {
		fmt.Fprintf(&b, ":%d", e.Col)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + e.Reason)
	if e.Value != "" {
		b.WriteString(" (got " + e.Value + ")")
	}
	return printable(b.String())
}

// Errors lists the faults in what [Load] or [Parse] returned.
func Errors(err error) []*Error {
	var one *Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// maxErrors is how many faults are told of one file. Who sees more than these
// has given us some other file.
const maxErrors = 50

// join sorts errs by line and joins them, or returns nil if there are none.
func join(file string, errs []*Error) error {
	if len(errs) == 0 {
		return nil
	}
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	if more := len(errs) - maxErrors; more > 0 {
		errs = append(errs[:maxErrors:maxErrors], &Error{File: file, Reason: fmt.Sprintf("and %d more", more)})
	}
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}

// printable replaces what a terminal might act on: control characters, changes
// of writing direction, bytes that are no UTF-8.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

// shown cuts foreign text to what fits into a message.
func shown(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
