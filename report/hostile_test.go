package report

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
)

// R11: a page is what it is, whatever stands in the files that were audited. It
// has no script, and says that a browser shall run none.
func TestR11PageRunsNothing(t *testing.T) {
	const markup = `"><script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) {{.}} `
	const hostile = markup + "\x1b]0;x\x07\u202e"
	a := Audit{Summary: audit.Summary{Root: hostile, At: time.Unix(0, 0).UTC()}}
	for _, status := range []audit.Status{audit.Fail, audit.Incomplete, audit.Suppressed} {
		a.Findings = append(a.Findings, audit.Finding{Status: status, Severity: audit.High,
			Object: hostile, Location: hostile, Evidence: hostile,
			// These are our own words, which no control character gets into.
			ID: markup, Title: markup, Why: markup, Fix: markup, Ref: markup})
	}
	var b bytes.Buffer
	if err := AuditHTML(&b, a); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if tag := regexp.MustCompile(`(?i)<(script|img|iframe|object|link|base|form)|<[^>]* on[a-z]+ *=|href *=`).FindString(page); tag != "" {
		t.Errorf("got %q in the page:\n%s", tag, page)
	}
	if !strings.Contains(page, `http-equiv="Content-Security-Policy" content="default-src 'none';`) {
		t.Error("the page does not forbid a browser to load and run what it does not hold")
	}
	if n := strings.Count(page, html.EscapeString("<script>alert(1)</script>")); n < 10 {
		t.Errorf("got the text %d times, want it to be shown as text", n)
	}
	if i := strings.IndexAny(page, "\x1b\x07\u202e"); i >= 0 {
		t.Errorf("got a control character at byte %d of the page", i)
	}
}
