package freeswitch

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"pbxguard/audit"
)

// callFields are the variables of a template of mod_cdr_csv that name an
// extension or a gateway.
var callFields = []string{"${caller_id_number}", "${destination_number}", "${accountcode}", "${sip_gateway_name}", "${sip_gateway}", "${dialed_user}", "${sip_auth_username}", "${user_name}"}

// Calls reads what mod_cdr_csv wrote, in the form of its template: who called
// or was called when.
func (m *model) Calls() audit.Calls {
	if m.calls == nil {
		c := m.readCalls()
		m.calls = &c
	}
	return *m.calls
}

func (m *model) readCalls() audit.Calls {
	dir, _, _ := m.doc.Var("log_dir")
	c := audit.Calls{Last: map[string]time.Time{}, From: dir + "/cdr-csv/Master.csv"}
	conf := m.conf("cdr_csv.conf")
	if base := params(conf.Child("settings"), "param").value("log-base"); base != "" && !Unknown(base) {
		c.From = base + "/cdr-csv/Master.csv"
	}
	at, who, trunks := template(conf)
	c.Trunks = trunks
	if at < 0 || Unknown(c.From) {
		return c
	}
	data, err := m.site.Tree.ReadFile(c.From)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			m.callsLost = err.Error()
		}
		return c
	}
	if err := tally(data, at, who, &c); err != nil {
		m.callsLost = fmt.Sprintf("%s: %v", c.From, err)
	}
	return c
}

// template finds in the template in use which field is the start of a call, and
// which name who took part, gateways too; at is -1 if it has no start.
func template(conf *Element) (at int, who []int, trunks bool) {
	name := params(conf.Child("settings"), "param").value("default-template")
	at = -1
	text := ""
	for _, t := range conf.Child("templates").Each("template") {
		if t.Attr("name") == name {
			text = t.Text
		}
	}
	for i, field := range strings.Split(strings.ReplaceAll(text, `"`, ""), ",") {
		switch field = strings.TrimSpace(field); {
		case field == "${start_stamp}":
			at = i
		case slices.Contains(callFields, field):
			who = append(who, i)
			trunks = trunks || strings.HasPrefix(field, "${sip_gateway")
		}
	}
	return at, who, trunks
}

// tally notes the last call of everybody whom the records name.
func tally(data []byte, at int, who []int, c *audit.Calls) error {
	rows := csv.NewReader(bytes.NewReader(data))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if at >= len(row) {
			continue
		}
		when, err := time.Parse(time.DateTime, row[at])
		if err != nil {
			continue
		}
		if c.Since.IsZero() || when.Before(c.Since) {
			c.Since = when
		}
		for _, i := range who {
			if i < len(row) && when.After(c.Last[row[i]]) {
				c.Last[strings.Clone(row[i])] = when
			}
		}
	}
}
