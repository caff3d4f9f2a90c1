package manual

import (
	"fmt"
	"strings"
)

// roff writes a manual page in the man macros of troff.
type roff struct{ b strings.Builder }

// header begins a page. It carries no date: the same program makes the same page.
func (r *roff) header(title, section, version, manual string) {
	fmt.Fprintf(&r.b, ".TH %q %q \"\" %q %q\n", title, section, "pbxguard "+version, manual)
	// Left-aligned and without hyphens, so that keys and options can be copied.
	r.b.WriteString(".nh\n.ad l\n")
}

func (r *roff) section(title string)    { fmt.Fprintf(&r.b, ".SH %s\n", escape(title)) }
func (r *roff) subsection(title string) { fmt.Fprintf(&r.b, ".SS %s\n", escape(title)) }

// line writes roff as it is.
func (r *roff) line(format string, args ...any) { fmt.Fprintf(&r.b, format+"\n", args...) }

// item writes a term and what it means.
func (r *roff) item(term, meaning string) {
	r.line(".TP\n%s", term)
	r.text(meaning)
}

// text writes paragraphs, which empty lines part. Indented lines stay as they
// are, for they are commands to copy.
func (r *roff) text(s string) {
	verbatim := false
	for line := range strings.Lines(strings.Trim(s, "\n") + "\n") {
		line = strings.TrimRight(line, "\n ")
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !verbatim:
			r.line(".PP\n.nf\n.RS 4")
		case !indented && verbatim:
			r.line(".RE\n.fi")
		}
		verbatim = indented
		if line == "" {
			r.line(".PP")
			continue
		}
		r.line("%s", escape(strings.TrimLeft(line, " ")))
	}
	if verbatim {
		r.line(".RE\n.fi")
	}
}

func (r *roff) String() string { return r.b.String() }

func bold(s string) string   { return `\fB` + escape(s) + `\fR` }
func italic(s string) string { return `\fI` + escape(s) + `\fR` }

var special = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`)

// escape makes of plain text what troff shows as it stands.
func escape(s string) string {
	s = special.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
