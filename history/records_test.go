package history

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

func rows(t testing.TB, text string) ([]Call, []string) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	internal := plan(t).Internal
	calls, faults, err := ReadRows("Master.csv", strings.NewReader(text), Source{PBX: "pbx", Zone: zone, Internal: internal})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range faults.Kept {
		told = append(told, f.Error())
	}
	return calls, told
}

// Records as Asterisk's cdr_csv writes them.
const (
	rowOut     = `"","101","0031900123456","internal","""Ann, desk"" <101>","PJSIP/101-0000000a","PJSIP/trunk-0000000b","Dial","PJSIP/0031900123456@trunk,60","2026-11-23 09:00:00","2026-11-23 09:00:05","2026-11-23 09:01:05",65,60,"ANSWERED","DOCUMENTATION","1795420800.10",""` + "\n"
	rowBusy    = `"","101","0201234567","internal","101","PJSIP/101-0000000c","PJSIP/trunk-0000000d","Dial","PJSIP/trunk/sip:0201234567@192.0.2.1","2026-11-23 09:10:00",,"2026-11-23 09:10:03",3,0,"BUSY","DOCUMENTATION"` + "\n"
	rowIn      = `"","+252611234567","102","from-trunk","","PJSIP/trunk-0000000e","PJSIP/102-0000000f","Dial","PJSIP/102,20","2026-11-23 09:20:00",,"2026-11-23 09:20:02",2,0,"NO ANSWER","DOCUMENTATION"` + "\n"
	rowLocal   = `"","+252611234567","00252611","internal","","Local/00252611@internal-00000001;2","PJSIP/trunk-00000010","Dial","PJSIP/00252611@trunk","2026-11-23 09:30:00","2026-11-23 09:30:01","2026-11-23 09:30:02",2,1,"ANSWERED","DOCUMENTATION"` + "\n"
	rowMailbox = `"","101","*97","internal","","SIP/101-00000011","","VoiceMailMain","101@default","2026-11-23 09:40:00","2026-11-23 09:40:00","2026-11-23 09:40:30",30,30,"ANSWERED","DOCUMENTATION"` + "\n"
)

func TestReadMaster(t *testing.T) {
	calls, faults := rows(t, rowOut+rowBusy+rowIn+rowLocal+rowMailbox)
	if len(faults) > 0 || len(calls) != 5 {
		t.Fatalf("got %d calls, %q", len(calls), faults)
	}
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 8, minute, 0, 0, time.UTC) }
	c := calls[0]
	if !c.Start.Equal(at(0)) || c.Answer != 5*second || c.Talked() != time.Minute || c.Cause != 16 || c.ID != "1795420800.10" || c.Place() != "Master.csv:1" {
		t.Errorf("got %+v", c)
	}
	if c.From.Account != account("101") || c.To.Account != account("trunk") || !c.Out || c.Sent != "0031900123456" || c.Dialled != "0031900123456" {
		t.Errorf("got %+v", c)
	}
	if c := calls[1]; c.Talked() != 0 || c.Cause != 17 || !c.Out || c.Sent != "0201234567" {
		t.Errorf("got %+v, want a busy call to the number of the URI", c)
	}
	if c := calls[2]; c.Out || c.From.Account != account("trunk") || c.To.Account != account("102") || c.Caller != "+252611234567" || c.End != 2*second {
		t.Errorf("got %+v, want a call from outside", c)
	}
	if c := calls[3]; c.From.Side != guard.LocalTwo || c.From.Pair != "00252611@internal-00000001" || c.From.Account.Name != "" {
		t.Errorf("got %+v, want half of a Local channel", c)
	}
	if c := calls[4]; c.To != (Party{}) || c.Talked() != 30*second {
		t.Errorf("got %+v, want a call to the PBX itself", c)
	}
}

// TestReadDST: the hour that comes twice is the first of the two, and clocks
// that spring make no call shorter than it was.
func TestReadDST(t *testing.T) {
	calls, _ := rows(t, strings.NewReplacer("2026-11-23 09:00", "2026-03-29 01:59", "2026-11-23 09:01", "2026-03-29 03:00").Replace(rowOut))
	if got := calls[0].End; got != 65*second {
		t.Errorf("got %v, want 65 s over the change", got)
	}
}

func TestReadTable(t *testing.T) {
	calls, faults := rows(t, `calldate;clid;src;dst;dcontext;channel;dstchannel;lastapp;lastdata;duration;billsec;disposition;amaflags;accountcode;uniqueid;userfield;linkedid
2026-11-23 09:00:00;x;101;0201234567;internal;PJSIP/101-1;PJSIP/trunk-2;Dial;PJSIP/0201234567@trunk;65;60;ANSWERED;3;;9.1;;9.0
`)
	if len(faults) > 0 || len(calls) != 1 {
		t.Fatalf("got %d calls, %q", len(calls), faults)
	}
	if c := calls[0]; c.Talked() != time.Minute || c.Answer != 5*second || c.Group != "9.0" || !c.Out {
		t.Errorf("got %+v", c)
	}
}

func TestReadSwitch(t *testing.T) {
	calls, faults := rows(t, `"Ann","101","0201234567","default","2026-11-23 09:00:00","2026-11-23 09:00:05","2026-11-23 09:01:05","65","60","NORMAL_CLEARING","u1","u2","101","PCMA","PCMA"
"Bob","102","101","default","2026-11-23 09:05:00","2026-11-23 09:05:05","2026-11-23 09:06:05","65","60","NORMAL_CLEARING","u3","u4","102","PCMA","PCMA"
"","+31612345678","101","public","2026-11-23 09:10:00","","2026-11-23 09:10:05","5","0","ORIGINATOR_CANCEL","u5","","","PCMA","PCMA"
`)
	if len(faults) > 0 || len(calls) != 3 {
		t.Fatalf("got %d calls, %q", len(calls), faults)
	}
	if c := calls[0]; !c.Out || c.From.Account != account("101") || c.To.Leg != "u2" || c.From.Leg != "u1" || c.Talked() != time.Minute {
		t.Errorf("got %+v, want a call outside", c)
	}
	if c := calls[1]; c.Out || c.To.Account != account("101") {
		t.Errorf("got %+v, want an internal call", c)
	}
	if c := calls[2]; c.Out || c.From.Account != account("gateway") || c.Cause != 16 {
		t.Errorf("got %+v, want a call from outside", c)
	}
}

// TestReadFaults: a bad record is named and costs no other.
func TestReadFaults(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"time", "2026-11-23 09:10:00", "yesterday", "Master.csv:2:130: is no time: \"yesterday\""},
		{"month", "2026-11-23 09:10:00", "2026-13-23 09:10:00", "Master.csv:2:130: is no time"},
		{"duration", ",3,0,", ",x,0,", "Master.csv:2:175: must be seconds, not \"x\""},
		{"too long", ",3,0,", ",999999999,0,", ""},
		{"quotation", `"101","0201234567"`, `"101","0201234567`, "Master.csv:2:"},
		{"cut short", `,"BUSY","DOCUMENTATION"`, ``, "Master.csv:2: has 14 fields, where others have 18"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls, faults := rows(t, rowOut+strings.Replace(rowBusy, tt.old, tt.new, 1)+rowIn)
			if tt.want == "" {
				return
			}
			if len(faults) != 1 || !strings.HasPrefix(faults[0], tt.want) || len(calls) != 2 {
				t.Errorf("got %q and %d calls, want %q and 2", faults, len(calls), tt.want)
			}
		})
	}
	// A century until somebody answers took as long to play as it has minutes.
	calls, faults := rows(t, rowBusy+strings.Replace(rowOut, "2026-11-23 09:00:05", "2126-11-23 09:00:05", 1))
	if len(calls) != 1 || len(faults) != 1 || !strings.HasPrefix(faults[0], "Master.csv:2:") || !strings.HasSuffix(faults[0], "which no call does") {
		t.Errorf("got %d calls and %q, want the second to be one that lasts too long", len(calls), faults)
	}
	if _, _, err := ReadRows("x", strings.NewReader("a,b\n"), Source{}); err == nil || !strings.Contains(err.Error(), "x is no call record") {
		t.Errorf("got %v, want ErrForm", err)
	}
}

const xmlRecord = `<?xml version="1.0"?>
<cdr core-uuid="c"><channel_data><state>CS_REPORTING</state></channel_data><variables>
<direction>inbound</direction><uuid>u1</uuid><sip_auth_username>101</sip_auth_username><domain_name>office.example</domain_name>
<sip_network_ip>192.0.2.7</sip_network_ip><sip_user_agent>Phone%2F1.0%20(x)</sip_user_agent><bridge_uuid>u2</bridge_uuid>
<start_uepoch>1795420800000000</start_uepoch><answer_epoch>1795420805</answer_epoch><end_epoch>1795420865</end_epoch>
<hangup_cause>NORMAL_CLEARING</hangup_cause></variables>
<callflow dialplan="XML"><caller_profile><caller_id_number>101</caller_id_number><destination_number>0201234567</destination_number><context>default</context></caller_profile></callflow></cdr>`

const jsonRecord = `{"core-uuid":"c","variables":{"direction":"inbound","uuid":"u1","sip_auth_username":"101","domain_name":"office.example","sip_network_ip":"192.0.2.7","sip_user_agent":"Phone/1.0 (x)","bridge_uuid":"u2","start_uepoch":"1795420800000000","answer_epoch":1795420805,"end_epoch":"1795420865","hangup_cause":"NORMAL_CLEARING"},"callflow":[{"caller_profile":{"caller_id_number":"101","destination_number":"0201234567","context":"default"}}]}`

func TestReadDocument(t *testing.T) {
	for name, text := range map[string]string{"xml": xmlRecord, "json": jsonRecord} {
		t.Run(name, func(t *testing.T) {
			c, ok, err := ReadDocument("f", strings.NewReader(text), Source{PBX: "pbx", Internal: plan(t).Internal})
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			want := guard.Account{PBX: "pbx", Domain: "office.example", Name: "101"}
			if c.From.Account != want || !c.Out || c.Dialled != "0201234567" || c.Talked() != time.Minute || c.Answer != 5*second {
				t.Errorf("got %+v", c)
			}
			if c.Source.String() != "192.0.2.7" || c.Agent != "Phone/1.0 (x)" || c.From.Leg != "u1" || c.To.Leg != "u2" || c.Cause != 16 {
				t.Errorf("got %+v", c)
			}
		})
	}
	b := strings.Replace(jsonRecord, `"direction":"inbound"`, `"direction":"outbound","originating_leg_uuid":"u0"`, 1)
	if _, ok, err := ReadDocument("f", strings.NewReader(b), Source{}); ok || err != nil {
		t.Errorf("got %v, %v of the record of the other leg, want it left out", ok, err)
	}
	for _, bad := range []string{"", "{", "<cdr>", "{}", `{"variables":{"start_epoch":"x"}}`, "<a/>"} {
		if _, _, err := ReadDocument("f", strings.NewReader(bad), Source{}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestRead reads one file of each form out of a folder.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	ami := "Asterisk Call Manager/5.0\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\n\r\n"
	for name, text := range map[string]string{
		"Master.csv": rowOut + "nonsense\n" + rowBusy, "a.xml": xmlRecord, "b.json": jsonRecord, "c.json": jsonRecord + "\n" + jsonRecord + "\n{\n",
		"notes.txt": "left out", "other.csv": "a,b\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recording := filepath.Join(t.TempDir(), "recorded.ami")
	if err := os.WriteFile(recording, []byte(ami), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := Read([]string{dir, recording}, Source{PBX: "pbx", Internal: plan(t).Internal})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Calls) != 3 || h.Twice != 3 || h.Files != 6 || len(h.Events) == 0 {
		t.Errorf("got %d calls, %d more twice, of %d files and %d events, want 3, 3, 6, some", len(h.Calls), h.Twice, h.Files, len(h.Events))
	}
	if h.Faults.Total != 3 {
		t.Errorf("got %v, want 3 faults", h.Faults.Kept)
	}
	if _, err := Read([]string{filepath.Join(dir, "absent")}, Source{}); err == nil {
		t.Error("got no error of a file that is not there")
	}
}

// FuzzReadRows: whatever records hold, reading ends and what is read can be played.
func FuzzReadRows(f *testing.F) {
	f.Add(rowOut + rowIn + rowLocal)
	f.Add("calldate,src,dst,duration,billsec\n2026-11-23 09:00:00,1,2,3,4\n")
	for _, name := range []string{"asterisk-16-custom.csv", "sqlite-bare.csv", "postgres.tsv", "freeswitch-asterisk.csv", "freeswitch-snom.csv", "freeswitch-opencdrrate.csv"} {
		text, err := os.ReadFile(filepath.Join("testdata", "real", name))
		if err != nil {
			f.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		f.Add(strings.Join(lines[8:min(14, len(lines))], ""))
	}
	p := policy(f)
	internal := plan(f).Internal
	zone := time.FixedZone("here", 3600)
	f.Fuzz(func(t *testing.T, text string) {
		calls, _, err := ReadRows("f", &inserts{in: bufio.NewReader(strings.NewReader(text))}, Source{PBX: "pbx", Zone: zone, Internal: internal})
		if err != nil || len(calls) > 100 {
			return
		}
		transfers(calls, internal)
		if res, err := Play(calls, nil, Options{PBX: "pbx", Policy: p, Step: time.Hour}); err != nil || res.Calls > len(calls) {
			t.Errorf("got %+v, %v of %d calls", res, err, len(calls))
		}
	})
}

// FuzzReadDocument: whatever a record holds, reading ends.
func FuzzReadDocument(f *testing.F) {
	f.Add(xmlRecord)
	f.Add(jsonRecord)
	f.Fuzz(func(t *testing.T, text string) {
		c, ok, err := ReadDocument("f", strings.NewReader(text), Source{PBX: "pbx"})
		if ok && (err != nil || c.End < 0 || c.Talked() < 0) {
			t.Errorf("got %+v, %v", c, err)
		}
	})
}
