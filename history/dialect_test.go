package history

import (
	"strings"
	"testing"
	"time"
)

// TestReadDialects reads one call as many programs export it.
func TestReadDialects(t *testing.T) {
	const names = "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,accountcode,uniqueid,userfield"
	const more = ",did,recordingfile,cnum,cnam,outbound_cnum,outbound_cnam,dst_cnam,linkedid,peeraccount,sequence"
	row := func(sep, quote, null, time string) string {
		q := func(s string) string { return quote + strings.ReplaceAll(s, `"`, quote+`"`) + quote }
		if quote == "" {
			q = func(s string) string { return s }
		}
		f := []string{q(time), q(`"Ann" <101>`), q("101"), q("0201234567"), q("from-internal"), q("PJSIP/101-0000000a"), q("PJSIP/trunk-0000000b"),
			q("Dial"), q("PJSIP/0201234567@trunk,300,T"), q("65"), q("60"), q("ANSWERED"), q("3"), null, q("1795420800.10"), null}
		return strings.Join(f, sep)
	}
	freepbx := func(sep, quote, null, time string) string {
		return row(sep, quote, null, time) + strings.Repeat(sep+null, 2) + sep + "101" + sep + null + sep + quote + "0205550100" + quote +
			strings.Repeat(sep+null, 2) + sep + quote + "1795420800.10" + quote + sep + null + sep + "7"
	}
	const at = "2026-11-23 09:00:00"
	head := func(sep, names string) string { return strings.ReplaceAll(names, ",", sep) + "\n" }
	for _, tt := range []struct{ name, text string }{
		{"mysql --batch", head("\t", names+more) + freepbx("\t", "", "NULL", at) + "\n"},
		{"mysql --batch without names", freepbx("\t", "", "NULL", at) + "\n"},
		{"SELECT INTO OUTFILE", freepbx("\t", "", `\N`, at) + "\n"},
		{"phpMyAdmin", freepbx(",", `"`, "NULL", at) + "\n"},
		{"phpMyAdmin with names", strings.ReplaceAll(`"`+names+more+`"`, ",", `","`) + "\n" + freepbx(",", `"`, "NULL", at) + "\n"},
		{"names in backticks", strings.ReplaceAll("`"+names+"`", ",", "`,`") + "\n" + row(",", `"`, "NULL", at) + "\n"},
		{"names with the table's", "cdr." + strings.ReplaceAll(names, ",", ",cdr.") + "\n" + row(",", `"`, "", at) + "\n"},
		{"semicolons", head(";", names) + row(";", `"`, "", at) + "\n"},
		{"psql, unaligned", head("|", names) + row("|", "", "", at) + "\n"},
		{"psql with a zone", head(",", names) + row(",", `"`, "", "2026-11-23 03:00:00-05") + "\n"},
		{"zone with minutes", head(",", names) + row(",", `"`, "", "2026-11-23 13:30:00.000+05:30") + "\n"},
		{"ISO 8601", head(",", names) + row(",", `"`, "", "2026-11-23T08:00:00Z") + "\n"},
		{"spreadsheet", "\xef\xbb\xbf" + strings.ReplaceAll(head(";", names)+row(";", `"`, "", at)+"\n", "\n", "\r\n")},
		{"Latin-1", head(",", names) + strings.ReplaceAll(row(",", `"`, "", at), "Ann", "M\xfcller") + "\n"},
		{"backslashes", head(",", names) + strings.ReplaceAll(row(",", `"`, "", at), `""`, `\"`) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls, faults := rows(t, tt.text)
			if len(faults) > 0 || len(calls) != 1 {
				t.Fatalf("got %d calls, %q of\n%s", len(calls), faults, tt.text)
			}
			c := calls[0]
			if want := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC); !c.Start.Equal(want) || c.Talked() != time.Minute || c.ID != "1795420800.10" {
				t.Errorf("got %v, %v, %q; want %v, a minute, 1795420800.10", c.Start, c.Talked(), c.ID, want)
			}
			if c.From.Account != account("101") || c.To.Account != account("trunk") || c.Sent != "0201234567" || !c.Out {
				t.Errorf("got %+v", c)
			}
			if strings.Contains(tt.text, "0205550100") && c.Shown != "0205550100" {
				t.Errorf("got %q shown, want 0205550100", c.Shown)
			}
		})
	}
}

// TestReadShort: the columns of Asterisk's sample for SQLite lack dst.
func TestReadShort(t *testing.T) {
	for _, number := range []string{"", "17|"} {
		calls, faults := rows(t, number+`2026-11-23 09:00:00|"Ann" <101>|internal|PJSIP/101-1|PJSIP/trunk-2|Dial|PJSIP/0201234567@trunk,60|65|60|ANSWERED|3||1795420800.10||x`+"\n")
		if len(faults) > 0 || len(calls) != 1 {
			t.Fatalf("got %d calls, %q", len(calls), faults)
		}
		if c := calls[0]; c.Dialled != "0201234567" || !c.Out || c.Talked() != time.Minute {
			t.Errorf("got %+v", c)
		}
	}
}

// TestReadEpochs: FusionPBX's table tells each time twice, once without a zone.
func TestReadEpochs(t *testing.T) {
	calls, faults := rows(t, `xml_cdr_uuid,domain_name,extension,direction,caller_id_number,destination_number,start_stamp,start_epoch,answer_epoch,end_epoch,duration,billsec,hangup_cause
u1,office.example,101,outbound,101,0201234567,2026-11-23 03:00:00,1795420800,1795420805,1795420865,65,60,NORMAL_CLEARING
u2,office.example,101,outbound,101,0201234567,2026-11-23 03:00:00,1795420800,0,1795420865,65,0,USER_BUSY
u3,office.example,101,inbound,0301234567,101,2026-11-23 03:00:00,1795420800,1795420805,1795420865,65,60,NORMAL_CLEARING
`)
	if len(faults) > 0 || len(calls) != 3 {
		t.Fatalf("got %d calls, %q", len(calls), faults)
	}
	want := time.Unix(1795420800, 0)
	if c := calls[0]; !c.Start.Equal(want) || c.Answer != 5*second || c.Talked() != time.Minute || !c.Out || c.From.Account.Domain != "office.example" {
		t.Errorf("got %+v", c)
	}
	if c := calls[1]; c.Answer != 0 || c.Cause != 17 {
		t.Errorf("got %+v", c)
	}
	if c := calls[2]; c.Out {
		t.Errorf("got %+v, want a call from outside", c)
	}
}

// TestReadWide: what spreadsheets call Unicode is refused by name.
func TestReadWide(t *testing.T) {
	if got := form([]byte("\xff\xfec\x00a\x00")); got != formWide {
		t.Errorf("got %d, want UTF-16", got)
	}
}

func TestOffset(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Z": 0, " UTC": 0, "+01": time.Hour, "-0530": -5*time.Hour - 30*time.Minute, " +05:30": 5*time.Hour + 30*time.Minute,
	} {
		if got, ok := offset([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"+1", "+25", "+01:60", "+1:00", "CET", "+-1", "+01:0", "+01000"} {
		if got, ok := offset([]byte(text)); ok {
			t.Errorf("%q: got %v, want it refused", text, got)
		}
	}
}
