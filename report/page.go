package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

// Page is where a report is written for a person.
type Page struct {
	W      io.Writer
	Colour bool           // of the words that tell how bad something is
	Now    time.Time      // for "ago" and "left"
	Zone   *time.Location // of the times shown; nil: local
}

// NewPage returns a page on f as of now, in colour if f and the environment
// want that.
func NewPage(f io.Writer, now time.Time) *Page {
	return &Page{W: f, Colour: wantsColour(f), Now: now}
}

// wantsColour follows https://no-color.org.
func wantsColour(w io.Writer) bool {
	f, isFile := w.(*os.File)
	if !isFile || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// A shade is the SGR parameter of a colour.
type shade string

const (
	plainly shade = ""
	green   shade = "32"
	yellow  shade = "33"
	red     shade = "1;31"
)

// word writes s in a colour, padded with spaces to at least width characters.
func (p *Page) word(s string, c shade, width int) string {
	padding := strings.Repeat(" ", max(0, width-len(s)))
	if !p.Colour || c == plainly {
		return s + padding
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m" + padding
}

// text collects what fill writes and puts it on the page at once.
func (p *Page) text(fill func(*bytes.Buffer)) error {
	var b bytes.Buffer
	fill(&b)
	_, err := p.W.Write(b.Bytes())
	return err
}

// table writes rows of cells under a heading, in columns. Every cell that is
// not made by this package must have been through [Safe], which leaves no tab
// or line break in it.
func table(w io.Writer, head []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range append([][]string{head}, rows...) {
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	t.Flush()
}

// instant writes a time for a person.
func (p *Page) instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	zone := p.Zone
	if zone == nil {
		zone = time.Local
	}
	return t.In(zone).Format("2006-01-02 15:04:05")
}

// span writes a duration as precisely as a person wants it: 1.2ms, 4m12s, 20m, 2d1h.
func span(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 24*time.Hour:
		s := d.Round(time.Second).String()
		if short, ok := strings.CutSuffix(s, "m0s"); ok {
			s = short + "m"
		}
		if short, ok := strings.CutSuffix(s, "h0m"); ok {
			s = short + "h"
		}
		return s
	}
	hours := int(d.Round(time.Hour) / time.Hour)
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}

// count writes "1 call", "2 calls".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// or returns s, or a dash for an empty one.
func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// JSON writes v as one document on a line of its own. What a terminal could
// take amiss is escaped; a JSON reader gets it back unchanged.
func JSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// escapeJSON escapes what encoding/json leaves alone but is not printable.
// Outside of strings a document has only printable ASCII.
func escapeJSON(doc string) string {
	body, end, _ := strings.Cut(doc, "\n")
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if strings.IndexFunc(body, hidden) < 0 {
		return doc
	}
	var b strings.Builder
	for _, r := range body {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff: // as a UTF-16 surrogate pair
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String() + "\n" + end
}

// Table writes rows under a heading, in columns. Cells that hold foreign text
// must have been through [Safe].
func (p *Page) Table(head []string, rows [][]string) error {
	return p.text(func(b *bytes.Buffer) { table(b, head, rows) })
}
