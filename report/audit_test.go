package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pbxguard/audit"
)

// What one mistake made of three hundred extensions is told once.
func TestAuditTellsTheSameOnce(t *testing.T) {
	var fs []audit.Finding
	for i := range 300 {
		fs = append(fs, audit.Finding{ID: "X-1", Severity: audit.High, Status: audit.Fail, Object: fmt.Sprint("peer ", 100+i), Location: "/etc/x:1", Title: "A password", Evidence: "it has 9 characters", Why: "w", Fix: "f"})
	}
	fs = append(fs, audit.Finding{ID: "X-1", Severity: audit.High, Status: audit.Fail, Object: "peer 999", Location: "/etc/x:9", Title: "A password", Evidence: "it is published", Why: "w", Fix: "f"})
	var b bytes.Buffer
	page := Page{W: &b}
	if err := page.Audit(Audit{Summary: audit.Summary{Failed: map[audit.Severity]int{}, Status: map[audit.Status]int{}}, Findings: fs}); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{"300 times peer 100, 101, 102, 103, 104, 105, 106, 107, … /etc/x:1", "peer 999 /etc/x:9"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("want %q once in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "it has 9 characters"); n != 1 {
		t.Errorf("got the evidence %d times, want once", n)
	}
}
