package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pbxguard/audit"
)

// Review tools find the lines of a checkout, and are told no file where there is
// none.
func TestSARIFPlaces(t *testing.T) {
	tests := []struct {
		name, location string
		shown          map[string]string
		want           string // of the location, as JSON
	}{
		{"the host's own", "/etc/asterisk/pjsip.conf:3", nil, `{"physicalLocation":{"artifactLocation":{"uri":"etc/asterisk/pjsip.conf"},"region":{"startLine":3}}}`},
		{"a folder of a checkout", "/etc/asterisk/a b%.conf:3", map[string]string{"/etc/asterisk": "conf"}, `{"physicalLocation":{"artifactLocation":{"uri":"conf/a%20b%25.conf"},"region":{"startLine":3}}}`},
		{"the checkout itself", "/etc/asterisk/x.conf", map[string]string{"/etc/asterisk": "."}, `{"physicalLocation":{"artifactLocation":{"uri":"x.conf"}}}`},
		{"a root in a checkout", "/etc/asterisk/x.conf:9", map[string]string{"/": "hosts/pbx1"}, `{"physicalLocation":{"artifactLocation":{"uri":"hosts/pbx1/etc/asterisk/x.conf"},"region":{"startLine":9}}}`},
		{"no file", "the running Asterisk", nil, `{"logicalLocations":[{"fullyQualifiedName":"the running Asterisk"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Audit{Shown: tt.shown, Findings: []audit.Finding{{ID: "X-1", Severity: audit.High, Status: audit.Fail, Location: tt.location}}}
			var b bytes.Buffer
			if err := AuditSARIF(&b, a, nil, "1"); err != nil {
				t.Fatal(err)
			}
			var doc struct {
				Runs []struct {
					Results []struct{ Locations []json.RawMessage }
				}
			}
			if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Compact(&got, doc.Runs[0].Results[0].Locations[0]); err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want {
				t.Errorf("got  %s\nwant %s", got.String(), tt.want)
			}
		})
	}
}

// Whatever a configuration holds, the page stays what it is.
func TestHTMLIsEscaped(t *testing.T) {
	evil := "\"><script>alert(1)</script>\x1b[31m\u202e</div>"
	a := Audit{
		Findings: []audit.Finding{
			{ID: "X-1", Severity: audit.High, Status: audit.Fail, Object: evil, Location: evil, Evidence: evil},
			{ID: "X-2", Severity: audit.High, Status: audit.Incomplete, Object: evil, Evidence: evil},
			{ID: "X-3", Severity: audit.High, Status: audit.Suppressed, Object: evil, Evidence: evil},
		},
		Fixed: []audit.Finding{{ID: "X-4", Object: evil}},
	}
	a.Summary.Root = evil
	var b bytes.Buffer
	if err := AuditHTML(&b, a); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "\x1b", "\u202e", "</div>\n</body>"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(b.String(), "Fixed since") || strings.Count(b.String(), "&lt;script&gt;") < 6 {
		t.Errorf("something is left out: %.3000s", b.String())
	}
	order := []string{"critical</th>", "high</th>", "medium</th>", "low</th>"}
	for i := 1; i < len(order); i++ {
		if strings.Index(b.String(), order[i-1]) > strings.Index(b.String(), order[i]) {
			t.Errorf("%s stands behind %s", order[i-1], order[i])
		}
	}
}
