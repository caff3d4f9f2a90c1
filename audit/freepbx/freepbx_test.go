package freepbx

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/audit/asterisk"
	"pbxguard/audit/audittest"
	"pbxguard/testbed"
)

// site lays out a freepbx.conf in a folder of its own.
func site(t *testing.T, conf string) *audit.Site {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/freepbx.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s, done, err := audittest.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return s
}

func conf(host, port, password string) string {
	return fmt.Sprintf("<?php\n$amp_conf['AMPDBUSER'] = 'freepbxuser';\n$amp_conf['AMPDBPASS'] = '%s';\n$amp_conf['AMPDBHOST'] = '%s';\n$amp_conf['AMPDBPORT'] = '%s';\n$amp_conf['AMPDBNAME'] = 'asterisk';\n", password, host, port)
}

// Parts of MySQL's protocol, of the server's side.
const (
	greeting = "\x0a5.7.0-fake\x00\x01\x00\x00\x0012345678\x00\x00\x82\x21\x02\x00\x08\x00\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00123456789012\x00mysql_native_password\x00"
	okay     = "\x00\x00\x00\x02\x00\x00\x00"
	eof      = "\xfe\x00\x00\x02\x00"
)

func fail(code int, text string) string {
	return "\xff" + string([]byte{byte(code), byte(code >> 8)}) + "#42S02" + text
}

// column describes one of text.
func column(name string) string {
	s := func(v string) string { return string([]byte{byte(len(v))}) + v }
	return s("def") + s("asterisk") + s("t") + s("t") + s(name) + s(name) + "\x0c\x21\x00\xff\x00\x00\x00\xfd\x00\x00\x00\x00\x00"
}

// server plays one that takes a login and knows one table. It tells of each
// command.
func server(t *testing.T, refuse bool, commands chan<- string) (port string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, refuse, commands)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func serve(c net.Conn, refuse bool, commands chan<- string) {
	defer c.Close()
	seq := byte(0)
	send := func(payloads ...string) {
		for _, p := range payloads {
			c.Write(append([]byte{byte(len(p)), byte(len(p) >> 8), 0, seq}, p...)) // whoever hung up reads nothing
			seq++
		}
	}
	receive := func() (string, bool) {
		head := make([]byte, 4)
		if _, err := readFull(c, head); err != nil {
			return "", false
		}
		body := make([]byte, int(head[0])|int(head[1])<<8)
		if _, err := readFull(c, body); err != nil {
			return "", false
		}
		seq = head[3] + 1
		return string(body), true
	}
	send(greeting)
	if _, ok := receive(); !ok {
		return
	}
	if refuse {
		send(fail(1045, "Access denied for user 'freepbxuser'"))
		return
	}
	send(okay)
	for {
		q, ok := receive()
		if !ok || q[0] == 1 { // COM_QUIT
			return
		}
		commands <- q[1:]
		switch {
		case strings.Contains(q, "`ampusers`"):
			send("\x02", column("username"), column("sections"), eof, "\x05admin\x01*", "\x03old\xfb", eof)
		case strings.Contains(q, "SELECT"):
			send(fail(noSuchTable, "no such table"))
		default:
			send(okay)
		}
	}
}

func readFull(c net.Conn, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = c.Read(b[n:])
		n += m
	}
	return n, err
}

func TestOpen(t *testing.T) {
	commands := make(chan string, 100)
	tables, err := Open(site(t, conf("127.0.0.1", server(t, false, commands), "right")))
	if err != nil {
		t.Fatal(err)
	}
	if got := <-commands; got != "START TRANSACTION READ ONLY" {
		t.Errorf("got %q first, want a transaction that cannot write", got)
	}
	rows, err := tables.Rows(context.Background(), "ampusers")
	if want := []audit.Row{{"username": "admin", "sections": "*"}, {"username": "old"}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v %v, want %v", rows, err, want)
	}
	if rows, err := tables.Rows(context.Background(), "queues_details"); rows != nil || err != nil {
		t.Errorf("got %v %v for a table that is not there, want nothing", rows, err)
	}
	for _, bad := range []string{"users`; DROP TABLE `users", "mysql.user", ""} {
		if _, err := tables.Rows(context.Background(), bad); err == nil {
			t.Errorf("got no error for the table %q", bad)
		}
	}
	if err := tables.(*Database).Close(context.Background()); err != nil {
		t.Error(err)
	}
	close(commands)
	for c := range commands {
		if !strings.HasPrefix(c, "SELECT ") && c != "ROLLBACK" {
			t.Errorf("got the command %q", c)
		}
	}
}

func TestErrorsHoldNoPassword(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, nobody, _ := net.SplitHostPort(closed.Addr().String())
	refused := server(t, true, make(chan string, 10))
	for name, text := range map[string]string{
		"refused":       conf("127.0.0.1", refused, "canary-9f3k2m"),
		"nobody there":  conf("127.0.0.1", nobody, "canary-9f3k2m"),
		"no socket":     conf("localhost", "", "canary-9f3k2m"),
		"another host":  conf("192.0.2.1", "3306", "canary-9f3k2m"),
		"a name":        conf("db.example.net", "3306", "canary-9f3k2m"),
		"no such port":  conf("127.0.0.1", "99999", "canary-9f3k2m"),
		"own socket":    conf("localhost", "", "canary-9f3k2m") + "$amp_conf['AMPDBSOCK'] = '/run/none.sock';\n",
		"nothing named": "<?php\n",
	} {
		t.Run(name, func(t *testing.T) {
			tables, err := Open(site(t, text))
			if err == nil || tables != nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v %v, want an error without the password", tables, err)
			}
		})
	}
}

// TestMariaDB reads a real server that testbed/audit-databases has started, and
// holds what it reads against what mysqldump wrote of the same rows.
func TestMariaDB(t *testing.T) {
	port := os.Getenv("PBXGUARD_MARIADB")
	if port == "" {
		testbed.Skip(t, "PBXGUARD_MARIADB is the port of a MariaDB that testbed/audit-databases started")
	}
	const password = "kW8%nTz3Qv5@bHs7"
	tables, err := Open(site(t, conf("127.0.0.1", port, password)))
	if err != nil {
		t.Fatal(err)
	}
	d := tables.(*Database)
	defer d.Close(context.Background())
	const recorded = "../asterisk/testdata/freepbx.sql"
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	dump, err := asterisk.ReadDump(recorded, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range asterisk.FreePBXTables() {
		got, err := d.Rows(context.Background(), table)
		want, _ := dump.Rows(context.Background(), table)
		if err != nil || len(got) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v %v, and the dump has %v", table, got, err, want)
		}
	}
	if _, err := d.tx.Exec("INSERT INTO miscdests (description, destdial) VALUES ('x', '1')"); err == nil {
		t.Error("the session can write")
	}
	last, since, err := d.LastCalls(context.Background(), time.Now().AddDate(0, -6, 0))
	if err != nil || since.Format(time.DateTime) != "2025-01-02 03:04:05" {
		t.Errorf("got records since %s, %v", since, err)
	}
	if last["PJSIP/201"].IsZero() || last["PJSIP/old-carrier"].IsZero() || !last["PJSIP/carrier"].IsZero() {
		t.Errorf("got last calls %v", last)
	}
	if _, err := Open(site(t, conf("127.0.0.1", port, "canary-9f3k2m"))); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v for a wrong password", err)
	}
}
