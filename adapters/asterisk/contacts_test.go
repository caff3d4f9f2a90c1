package asterisk

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestContacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ast db%20#.sqlite3")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	later := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	rows := [][2]string{
		{"/registrar/contact/100;@ab67e8", `{"via_addr":"10.0.0.5","via_port":"33122","endpoint":"100","uri":"sip:100@192.0.2.7:33122^3Btransport=udp","user_agent":"Yealink SIP-T46S","expiration_time":"` + later + `"}`},
		{"/registrar/contact/101;@cd", `{"uri":"sip:101@[2001:db8::7]:5060","expiration_time":"` + later + `"}`},
		{"/registrar/contact/102;@ef", `{"uri":"sip:102@192.0.2.7:1","endpoint":"102","expiration_time":"1000000000"}`},
		{"/registrar/contact/103;@01", `{"uri":"sip:abc@x7yf.invalid;transport=ws","endpoint":"103","expiration_time":"` + later + `"}`},
		{"/registrar/contact/104;@02", `not JSON`},
		{"/SIP/Registry/200", "192.0.2.8:5060:3600:200:sip:200@192.0.2.8:5060"},
		{"/SIP/Registry/201", "[2001:db8::8]:5062:3600:201:sip:201@x"},
		{"/SIP/Registry/202", ""},
		{"/SIP/Registry/203", "["},
		{"/IAX/Registry/300", "192.0.2.9:4569:60"},
		{"/CF/100", "0031900123456"},
	}
	if _, err := db.Exec("CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if _, err := db.Exec("INSERT INTO astdb VALUES(?, ?)", r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	standings, err := Contacts(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range standings {
		got = append(got, fmt.Sprint(s.Account.Name, " ", s.Source, " ", s.Registered, " ", s.Agent))
	}
	slices.Sort(got)
	want := []string{"100 192.0.2.7 true Yealink SIP-T46S", "101 2001:db8::7 true ", "200 192.0.2.8 true ", "201 2001:db8::8 true ", "300 192.0.2.9 true "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("the file has changed, %v", err)
	}
	if _, err := Contacts(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("got no error for a file that is not there")
	}
}
