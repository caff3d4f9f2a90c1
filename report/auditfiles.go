package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"

	"pbxguard/audit"
)

// AuditSARIF writes what failed in SARIF 2.1.0, which code review tools show
// beside the lines. See https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
func AuditSARIF(w io.Writer, a Audit, checks []audit.Check, version string) error {
	type text struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID     string            `json:"id"`
		Short  text              `json:"shortDescription"`
		Full   text              `json:"fullDescription"`
		Help   text              `json:"help"`
		Level  map[string]string `json:"defaultConfiguration"`
		Rating map[string]string `json:"properties"`
	}
	rules, index := []rule{}, map[string]int{}
	for _, c := range checks {
		index[c.ID] = len(rules)
		rules = append(rules, rule{c.ID, text{c.Title}, text{c.Why}, text{c.Fix}, map[string]string{"level": sarifLevel(c.Severity)},
			map[string]string{"security-severity": sarifRating(c.Severity)}})
	}
	results := []map[string]any{}
	for i := range a.Findings {
		f := &a.Findings[i]
		if f.Status != audit.Fail && f.Status != audit.Suppressed {
			continue
		}
		r := map[string]any{
			"ruleId": f.ID, "level": sarifLevel(f.Severity), "message": text{Safe(strings.TrimSpace(f.Object + ": " + f.Evidence))},
			"partialFingerprints": map[string]string{"pbxguard/v1": f.Mark()},
		}
		if n, known := index[f.ID]; known {
			r["ruleIndex"] = n
		}
		if f.Location != "" {
			r["locations"] = []any{a.sarifPlace(f.Location)}
		}
		if f.Status == audit.Suppressed {
			r["suppressions"] = []any{map[string]any{"kind": "external", "justification": Safe(f.Evidence)}}
		}
		results = append(results, r)
	}
	doc := map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool": map[string]any{"driver": map[string]any{
				"name": "pbxguard", "version": version, "rules": rules,
			}},
			"results": results,
		}},
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(doc)
}

func sarifLevel(s audit.Severity) string {
	switch s {
	case audit.Critical, audit.High:
		return "error"
	case audit.Medium:
		return "warning"
	}
	return "note"
}

// sarifRating is what review tools sort by, on the scale of CVSS.
func sarifRating(s audit.Severity) string {
	return map[audit.Severity]string{audit.Critical: "9.5", audit.High: "8.0", audit.Medium: "5.5", audit.Low: "2.0", audit.Info: "0.0"}[s]
}

// sarifPlace is a line of a file, or what is no file by its name. A path without
// a slash before it is relative to where the audit was run, which in a checkout
// is what review tools know.
func (a *Audit) sarifPlace(location string) map[string]any {
	file, line := place(location)
	if !strings.HasPrefix(file, "/") {
		return map[string]any{"logicalLocations": []any{map[string]string{"fullyQualifiedName": Safe(location)}}}
	}
	for at, dir := range a.Shown {
		if rest, below := strings.CutPrefix(file, strings.TrimSuffix(at, "/")+"/"); below {
			file = path.Join(dir, rest)
			break
		}
	}
	uri := url.URL{Path: strings.TrimPrefix(file, "/")}
	where := map[string]any{"artifactLocation": map[string]string{"uri": uri.String()}}
	if line > 0 {
		where["region"] = map[string]int{"startLine": line}
	}
	return map[string]any{"physicalLocation": where}
}

// place cuts "file:line".
func place(location string) (file string, line int) {
	i := strings.LastIndexByte(location, ':')
	if i < 0 {
		return location, 0
	}
	n, err := strconv.Atoi(location[i+1:])
	if err != nil {
		return location, 0
	}
	return location[:i], n
}

// AuditJUnit writes each check as a test case in JUnit's XML, for build
// servers: failed ones below the threshold count as passed with a note.
func AuditJUnit(w io.Writer, a Audit, threshold audit.Severity) error {
	type message struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Failure *message `xml:"failure,omitempty"`
		Skipped *message `xml:"skipped,omitempty"`
		Out     string   `xml:"system-out,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: "pbxguard audit"}
	for i := range a.Findings {
		f := &a.Findings[i]
		c := testCase{Name: Safe(strings.TrimSpace(f.ID + " " + f.Title + " " + f.Object)), Class: "pbxguard." + string(f.Severity)}
		text := Safe(f.Location) + "\n" + Safe(f.Evidence) + "\n" + f.Fix
		switch {
		case f.Status == audit.Fail && f.Severity.AtLeast(threshold):
			c.Failure = &message{Safe(f.Evidence), text}
			s.Failures++
		case f.Status == audit.Fail:
			c.Out = text
		case f.Status != audit.Pass:
			c.Skipped = &message{Message: string(f.Status) + ": " + Safe(f.Evidence)}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// AuditHTML writes a page that needs nothing else: no script, no other file.
func AuditHTML(w io.Writer, a Audit) error {
	return auditPage.Execute(w, a)
}

var auditPage = template.Must(template.New("audit").Funcs(template.FuncMap{"safe": Safe, "severities": audit.Severities}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>pbxguard audit</title><style>
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24}
h1{font-size:1.4rem}.f{border-left:.4rem solid #999;padding:.4rem .8rem;margin:1rem 0;background:#f7f7f8}
.critical{border-color:#a40000}.high{border-color:#d9480f}.medium{border-color:#e0a100}.low,.info{border-color:#6b8afd}
.s{text-transform:uppercase;font-size:.75rem;font-weight:700}.e{font-family:ui-monospace,monospace;font-size:.85rem;overflow-wrap:anywhere}
p{margin:.3rem 0}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}
@media print{.f{break-inside:avoid}}
</style></head><body>
<h1>Audit of {{safe .Summary.Root}}</h1>
<p>{{.Summary.At.Format "2006-01-02 15:04 MST"}} · {{range .Summary.Kinds}}{{.}} {{end}}· {{.Summary.Checks}} checks</p>
<table><tr>{{range severities}}<th>{{.}}</th>{{end}}</tr><tr>{{range severities}}<td>{{index $.Summary.Failed .}}</td>{{end}}</tr></table>
{{if .Summary.Since}}<p>Since {{.Summary.Since.Format "2006-01-02"}}: {{.Summary.New}} new, {{.Summary.Fixed}} fixed.</p>{{end}}
{{range .Findings}}{{if eq .Status "fail"}}<div class="f {{.Severity}}"><p><span class="s">{{.Severity}}</span> <b>{{.ID}}</b> {{.Title}}</p>
<p class="e">{{safe .Object}} {{safe .Location}}<br>{{safe .Evidence}}</p><p><b>Why:</b> {{.Why}}</p><p><b>Fix:</b> {{.Fix}}</p><p><small>{{.Ref}}</small></p></div>
{{end}}{{end}}<h2>Not judged</h2><ul>{{range .Findings}}{{if eq .Status "incomplete"}}<li><b>{{.ID}}</b> {{safe .Object}} {{safe .Evidence}}</li>{{end}}{{end}}</ul>
<h2>Suppressed</h2><ul>{{range .Findings}}{{if eq .Status "suppressed"}}<li><b>{{.ID}}</b> {{safe .Object}} {{safe .Evidence}}</li>{{end}}{{end}}</ul>
{{if .Fixed}}<h2>Fixed since</h2><ul>{{range .Fixed}}<li><b>{{.ID}}</b> {{safe .Object}} {{.Title}}</li>{{end}}</ul>
{{end}}</body></html>
`))
