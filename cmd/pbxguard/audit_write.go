package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"pbxguard/audit"
	"pbxguard/report"
)

// writeAudit writes an audit in the form that was asked for.
func (c *cli) writeAudit(f *auditFlags, a report.Audit, threshold audit.Severity) error {
	format := f.format
	if c.json {
		format = "json"
	}
	var b bytes.Buffer
	err := func() error {
		switch format {
		case "json":
			return report.JSON(&b, a)
		case "sarif":
			return report.AuditSARIF(&b, a, allChecks(), programVersion())
		case "junit":
			return report.AuditJUnit(&b, a, threshold)
		case "html":
			return report.AuditHTML(&b, a)
		}
		page := c.page()
		page.W, page.Now = &b, time.Now()
		if f.output != "" {
			page.Colour = false
		}
		return page.Audit(a)
	}()
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if f.output != "" {
		return os.WriteFile(f.output, b.Bytes(), 0o640)
	}
	_, err = io.Copy(c.stdout, &b)
	return err
}
