package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestRecordCalls has unguarded PBXs write their call records, with whatever
// they have for that.
//
//	PBXGUARD_RECORD=DIR go test -run TestRecordCalls ./e2e
func TestRecordCalls(t *testing.T) {
	dir := os.Getenv("PBXGUARD_RECORD")
	if dir == "" {
		t.Skip("makes recordings: set PBXGUARD_RECORD to a folder")
	}
	for _, version := range []int{16, 22} {
		name := map[int]string{16: "asterisk-16", 22: "asterisk-22"}[version]
		t.Run(name, func(t *testing.T) {
			a := testbed.Start(t, version, testbed.WithFile("cdr.conf", "[general]\n[csv]\nusegmtime = yes\nloguniqueid = yes\nloguserfield = yes\n"),
				testbed.WithFile("cdr_custom.conf", customRecords), testbed.WithFile("cdr_sqlite3_custom.conf", tableRecords))
			for _, name := range []string{"cdr-csv", "cdr-custom"} { // a package brings them
				in := filepath.Join(a.Root, "log", name)
				if err := os.Mkdir(in, 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(in, 0o777); err != nil { // whatever the umask is
					t.Fatal(err)
				}
			}
			someCalls(t, stack(a, "pjsip", a.SIP))
			a.Stop(t)
			keep(t, filepath.Join(a.Root, "log"), filepath.Join(dir, name))
		})
	}
	for _, template := range []string{"example", "snom", "linksys", "asterisk", "opencdrrate", "sql"} {
		name := "freeswitch-" + template
		t.Run(name, func(t *testing.T) {
			s := newFreeSWITCH(t, switchRecords(t, template)...)
			someCalls(t, s)
			s.Stop(t)
			keep(t, filepath.Join(s.freeSWITCH().Root, "log"), filepath.Join(dir, name))
		})
	}
}

// customRecords and tableRecords are what the samples of Asterisk's sources map.
const (
	customRecords = `[mappings]
Master.csv => ${CSV_QUOTE(${CDR(clid)})},${CSV_QUOTE(${CDR(src)})},${CSV_QUOTE(${CDR(dst)})},${CSV_QUOTE(${CDR(dcontext)})},${CSV_QUOTE(${CDR(channel)})},${CSV_QUOTE(${CDR(dstchannel)})},${CSV_QUOTE(${CDR(lastapp)})},${CSV_QUOTE(${CDR(lastdata)})},${CSV_QUOTE(${CDR(start)})},${CSV_QUOTE(${CDR(answer)})},${CSV_QUOTE(${CDR(end)})},${CSV_QUOTE(${CDR(duration)})},${CSV_QUOTE(${CDR(billsec)})},${CSV_QUOTE(${CDR(disposition)})},${CSV_QUOTE(${CDR(amaflags)})},${CSV_QUOTE(${CDR(accountcode)})},${CSV_QUOTE(${CDR(uniqueid)})},${CSV_QUOTE(${CDR(userfield)})},${CDR(sequence)}
Simple.csv => ${CSV_QUOTE(${EPOCH})},${CSV_QUOTE(${CDR(src)})},${CSV_QUOTE(${CDR(dst)})}
`
	tableRecords = `[master]
table => cdr
columns => calldate, clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield, linkedid, peeraccount, sequence
values => '${CDR(start)}','${CDR(clid)}','${CDR(src)}','${CDR(dst)}','${CDR(dcontext)}','${CDR(channel)}','${CDR(dstchannel)}','${CDR(lastapp)}','${CDR(lastdata)}','${CDR(duration)}','${CDR(billsec)}','${CDR(disposition)}','${CDR(amaflags)}','${CDR(accountcode)}','${CDR(uniqueid)}','${CDR(userfield)}','${CDR(linkedid)}','${CDR(peeraccount)}','${CDR(sequence)}'
`
)

// switchRecords has FreeSWITCH write CSV after a template of its own, XML, and
// JSON if there is the module for it.
func switchRecords(t *testing.T, template string) []testbed.Option {
	prefix := testbed.FreeSWITCHPrefix(t)
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	modules := read("../testbed/freeswitch/autoload_configs/modules.conf.xml")
	more := `<load module="mod_xml_cdr"/>`
	if _, err := os.Stat(filepath.Join(prefix, "lib/freeswitch/mod/mod_json_cdr.so")); err == nil {
		more += `<load module="mod_json_cdr"/>`
	}
	csv := read(filepath.Join(prefix, "etc/freeswitch/autoload_configs/cdr_csv.conf.xml"))
	return []testbed.Option{
		testbed.WithFile("autoload_configs/modules.conf.xml", strings.Replace(modules, "</modules>", more+"</modules>", 1)),
		testbed.WithFile("autoload_configs/cdr_csv.conf.xml", strings.Replace(csv, `name="default-template" value="example"`, `name="default-template" value="`+template+`"`, 1)),
		testbed.WithFile("autoload_configs/json_cdr.conf.xml",
			`<configuration name="json_cdr.conf"><settings><param name="log-b-leg" value="true"/><param name="log-dir" value=""/></settings></configuration>`),
	}
}

// someCalls places a call of each kind, and ends it.
func someCalls(t *testing.T, s server) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o := &office{server: s, t: t, ctx: ctx, trunk: testbed.NewTrunk(t, s.PBX)}
	if s.Asterisk != nil {
		o.trunk.Server = s.addr
	}
	name := `"Ann Müller, desk"`
	if s.Asterisk != nil { // FreeSWITCH sends it on without the escapes
		name = `"Ann \"the\" Müller, desk"`
	}
	ann := testbed.From(name + ` <sip:102@` + s.addr.Addr().String() + `>`)
	talk := func(c *testbed.Call) {
		if code, err := c.Wait(ctx); err != nil || code != 200 {
			t.Fatalf("call to %s: %d, %v", c.Number, code, err)
		}
		time.Sleep(1100 * time.Millisecond)
		o.hangUp(c)
	}
	p102 := o.phone("102")
	talk(p102.Invite(honest, ann))
	talk(p102.Invite("09001234567"))
	talk(p102.Invite("112"))
	talk(o.fromOutside("31205550102"))
	busy := o.phone("103", testbed.Answering(testbed.Busy()))
	if _, err := p102.Invite("103").Wait(ctx); err != nil {
		t.Fatal(err)
	}
	busy.Close()
	for _, w := range ways {
		w.call(o, honest, true)
		for out := o.incoming(o.trunk); out.Number != honest; out = o.incoming(o.trunk) {
		}
		time.Sleep(time.Second)
		o.hangUpAll()
		time.Sleep(500 * time.Millisecond)
		o.ClearForwards(t)
	}
}

// keep copies what a PBX has written, but its logs.
func keep(t *testing.T, from, to string) {
	time.Sleep(time.Second)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
