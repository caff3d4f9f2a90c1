package history

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"pbxguard/tabular"
)

// maxDocument bounds one xml_cdr or JSON record. FreeSWITCH writes some 20 KB.
const maxDocument = 4 << 20

// ReadDocument reads one call record of FreeSWITCH, as mod_xml_cdr or
// mod_json_cdr write one to a file. ok is false for the record of a leg that
// has another leg's record beside it.
func ReadDocument(file string, in io.Reader, src Source) (c Call, ok bool, err error) {
	data, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil {
		return c, false, fmt.Errorf("cannot read %s: %w", file, err)
	}
	wrong := func(format string, args ...any) error {
		return &tabular.Error{File: file, Line: 1, Reason: fmt.Sprintf(format, args...)}
	}
	if len(data) > maxDocument {
		return c, false, wrong("is longer than %d bytes", maxDocument)
	}
	var d document
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '<' {
		err = d.readXML(data)
	} else {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return c, false, wrong("is no call record: %v", err)
	}
	return d.call(file, src)
}

// document is a record: variables of the channel, and the profiles that it had.
type document struct {
	Variables text   `json:"variables"`
	Callflow  []flow `json:"callflow"`
}

// text is a set of variables, whose values are percent-encoded in XML and
// plain, though sometimes numbers, in JSON.
type text map[string]string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*t = text{}
	for k, v := range raw {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		} else if plain, err := url.PathUnescape(s); err == nil {
			s = plain // mod_json_cdr can be told to encode
		}
		(*t)[k] = s
	}
	return nil
}

// UnmarshalXML implements [xml.Unmarshaler].
func (t *text) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	*t = text{}
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			var v string
			if err := d.DecodeElement(&v, &e); err != nil {
				return err
			}
			if plain, err := url.PathUnescape(v); err == nil {
				v = plain
			}
			if _, twice := (*t)[e.Name.Local]; !twice {
				(*t)[e.Name.Local] = v
			}
		case xml.EndElement:
			return nil
		}
	}
}

type flow struct {
	Profile text `json:"caller_profile" xml:"caller_profile"`
}

func (d *document) readXML(data []byte) error {
	var doc struct {
		XMLName   xml.Name `xml:"cdr"`
		Variables text     `xml:"variables"`
		Callflow  []flow   `xml:"callflow"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		return err
	}
	d.Variables, d.Callflow = doc.Variables, doc.Callflow
	return nil
}

// call makes a call of a record of the caller's leg.
func (d *document) call(file string, src Source) (c Call, ok bool, err error) {
	v := d.Variables
	profile, latest := text{}, text{}
	if n := len(d.Callflow); n > 0 {
		profile, latest = d.Callflow[n-1].Profile, d.Callflow[0].Profile // the latest comes first
	}
	if v["direction"] == "outbound" && v["originating_leg_uuid"]+v["originator"] != "" {
		return c, false, nil
	}
	row := document{Variables: v}
	c.File = file
	if err := row.times(file, &c); err != nil {
		return c, false, err
	}
	p := rowReader{file: file, src: src, words: words{}}
	context := first(profile["context"], v["user_context"])
	fields := map[column]string{
		colID: v["uuid"], colDialled: first(profile["destination_number"], v["destination_number"]),
		colContext: context, colFrom: first(profile["caller_id_number"], v["caller_id"]),
		colOutcome: v["hangup_cause"], colCause: v["hangup_cause_q850"],
		colAccount: first(v["sip_auth_username"], v["user_name"], v["accountcode"]), colDomain: first(v["domain_name"], v["sip_auth_realm"]),
		colOtherID: first(v["bridge_uuid"], v["last_bridge_to"], v["signal_bond"]), colGateway: v["sip_gateway_name"],
		colSource: first(v["sip_network_ip"], v["sip_received_ip"], profile["network_addr"]), colAgent: v["sip_user_agent"],
		colShown: v["effective_caller_id_number"], colApp: v["last_app"], colData: v["last_arg"], colOther: v["bridge_channel"],
	}
	if v["sip_auth_username"] == "" && (context == "public" || v["sip_gateway"] != "") {
		fields[colDirection], fields[colAccount] = "inbound", ""
		fields[colGateway] = first(v["sip_gateway"], v["sip_profile_name"])
	}
	if _, _, out, _ := reached([]byte(v["last_arg"]), []byte(v["bridge_channel"])); out && len(d.Callflow) > 1 && v["last_app"] == "bridge" {
		// It was sent on before it left: by the extension that it had reached,
		// who pays for it.
		fields[colDialled], context = latest["destination_number"], latest["context"]
		if by := latest["rdnis"]; src.Internal != nil && src.Internal(by) {
			fields[colAccount], fields[colSource], fields[colAgent], fields[colDirection] = by, "", "", ""
			fields[colGateway] = v["sip_gateway_name"]
		}
	}
	fields[colContext] = context
	cells := &tabular.Row{Line: 1}
	for i := range p.at {
		p.at[i] = -1
	}
	for col, value := range fields {
		p.at[col] = len(cells.Fields)
		cells.Fields = append(cells.Fields, []byte(value))
	}
	c.ID, c.Dialled, c.Context = v["uuid"], fields[colDialled], context
	c.Caller, c.Shown = fields[colFrom], fields[colShown]
	c.Cause = p.cause(cells)
	c.Verified = attestation(v["sip_verstat"], v["sip_verstat_detailed"])
	c.Open = v["sip_acl_authed_by"] != "" && v["sip_auth_username"] == "" && fields[colDirection] != "inbound"
	p.where(cells, &c)
	p.parties(cells, &c)
	return c, true, nil
}

// times reads the record's times, to the microsecond where it has them.
func (d *document) times(file string, c *Call) error {
	at := func(name string) time.Time {
		for _, unit := range []struct {
			key string
			of  func(int64) time.Time
		}{{name + "_uepoch", time.UnixMicro}, {name + "_epoch", func(s int64) time.Time { return time.Unix(s, 0) }}} {
			if n, err := strconv.ParseInt(d.Variables[unit.key], 10, 64); err == nil && n > 0 {
				return unit.of(n)
			}
		}
		return time.Time{}
	}
	start, answered, end := at("start"), at("answer"), at("end")
	if start.IsZero() || end.Before(start) || end.Sub(start) > longest {
		return &tabular.Error{File: file, Line: 1, Reason: "does not tell when the call began and ended (start_epoch, end_epoch)"}
	}
	c.Start, c.End = start, end.Sub(start)
	if !answered.IsZero() && !answered.Before(start) && !answered.After(end) {
		c.Answer = max(answered.Sub(start), time.Millisecond)
	}
	return nil
}

// attestation is FreeSWITCH's verdict on a caller id, as an event has it.
func attestation(verstat, detailed string) string {
	for _, level := range []string{"A", "B", "C"} {
		if detailed == "TN-Validation-Passed-"+level {
			return level
		}
	}
	if verstat == "TN-Validation-Failed" {
		return "failed"
	}
	return ""
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
