package fusionpbx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/testbed"
)

// postgres plays a server that knows one table and one password.
func postgres(t *testing.T, password string, started chan<- map[string]string) (port int) {
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
			go func() {
				defer c.Close()
				if err := serve(c, password, started); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Logf("the server ended a connection: %v", err)
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func serve(c net.Conn, password string, started chan<- map[string]string) error {
	b := pgproto3.NewBackend(c, c)
	first, err := b.ReceiveStartupMessage()
	if err != nil {
		return err
	}
	start, ok := first.(*pgproto3.StartupMessage)
	if !ok {
		return fmt.Errorf("got %T at the start", first)
	}
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := b.Flush(); err != nil {
		return err
	}
	if err := b.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return err
	}
	msg, err := b.Receive()
	if err != nil {
		return err
	}
	if p, ok := msg.(*pgproto3.PasswordMessage); !ok || p.Password != password {
		b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed for user \"fusionpbx\""})
		return b.Flush()
	}
	started <- start.Parameters
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	for {
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := b.Flush(); err != nil {
			return err
		}
		msg, err := b.Receive()
		if err != nil {
			return nil
		}
		q, ok := msg.(*pgproto3.Query)
		if !ok {
			return nil
		}
		if !strings.Contains(q.String, `"public"."v_extensions" `) {
			b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: undefinedTable, Message: "relation does not exist"})
			continue
		}
		b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
			{Name: []byte("extension"), DataTypeOID: 25}, {Name: []byte("enabled"), DataTypeOID: 16}, {Name: []byte("cidr"), DataTypeOID: 25},
		}})
		b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("100"), []byte("t"), nil}})
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
	}
}

// at writes a config.conf and connects.
func connect(t *testing.T, host string, port int, password string) (*Postgres, error) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc/fusionpbx"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("database.0.type = pgsql\ndatabase.0.host = %s\ndatabase.0.port = %d\ndatabase.0.name = fusionpbx\ndatabase.0.username = fusionpbx\ndatabase.0.password = %s\n", host, port, password)
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s, done, err := audittest.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return Connect(ctx, s)
}

func TestPostgres(t *testing.T) {
	started := make(chan map[string]string, 1)
	port := postgres(t, "right", started)
	p, err := connect(t, "localhost", port, "right")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(context.Background())
	if got := (<-started)["default_transaction_read_only"]; got != "on" {
		t.Errorf("got a session with default_transaction_read_only=%q, want on", got)
	}
	rows, err := p.Rows(context.Background(), "v_extensions")
	if want := []Row{{"extension": "100", "enabled": "t"}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v %v, want %v", rows, err, want)
	}
	if rows, err := p.Rows(context.Background(), "v_agents"); rows != nil || err != nil {
		t.Errorf("got %v %v for a table that is not there, want nothing", rows, err)
	}
	if _, err := p.Rows(context.Background(), "v_users; DROP TABLE v_users"); err == nil {
		t.Error("got no error for a name that is none")
	}
}

func TestPostgresErrorsHoldNoPassword(t *testing.T) {
	port := postgres(t, "right", make(chan map[string]string, 1))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, try := range map[string]struct {
		host string
		port int
	}{"refused": {"127.0.0.1", port}, "nobody listens": {"127.0.0.1", closed.Addr().(*net.TCPAddr).Port}, "another host": {"192.0.2.1", 5432}} {
		_, err := connect(t, try.host, try.port, "canary-9f3k2m")
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want an error without the password", name, err)
		}
	}
}

// TestPostgreSQL reads a real server that testbed/audit-databases has started:
// tables in FusionPBX's shapes, with its UUIDs and booleans. What it reads is
// what pg_dump wrote of the same rows, and so are the findings.
func TestPostgreSQL(t *testing.T) {
	port, err := strconv.Atoi(os.Getenv("PBXGUARD_POSTGRES"))
	if err != nil {
		testbed.Skip(t, "PBXGUARD_POSTGRES is the port of a PostgreSQL that testbed/audit-databases started")
	}
	const password = "tM4vKq9Ws2Xz7Bn5Rc8H"
	live, err := connect(t, "localhost", port, password)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close(context.Background())
	text, err := os.ReadFile("testdata/recorded.sql")
	if err != nil {
		t.Fatal(err)
	}
	dump, err := ReadDump("recorded", text)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range append([]string{"v_user_logs"}, tables...) {
		got, err := live.Rows(context.Background(), table)
		want, _ := dump.Rows(context.Background(), table)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v %v, and the dump has %v", table, got, err, want)
		}
	}
	if _, err := live.conn.Exec(context.Background(), "INSERT INTO public.v_domains (domain_name) VALUES ('x')"); err == nil {
		t.Error("the session can write")
	}
	if _, err := connect(t, "localhost", port, "canary-9f3k2m"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v for a wrong password", err)
	}
	same := func(open func(*audit.Site) (Tables, error)) (all []string) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "etc/fusionpbx"), 0o755); err != nil {
			t.Fatal(err)
		}
		conf := fmt.Sprintf("database.0.type = pgsql\ndatabase.0.host = 127.0.0.1\ndatabase.0.port = %d\ndatabase.0.name = fusionpbx\ndatabase.0.username = fusionpbx\ndatabase.0.password = %s\nswitch.event_socket.password = yG6dNp3Lf8Vt5Jx2Qm9C\n", port, password)
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		s, done, err := audittest.Site(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		run, err := audit.Perform(context.Background(), s, []audit.Kind{Kind(open)})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range run.Findings {
			all = append(all, fmt.Sprint(f.Status, f.Severity, f.ID, f.Object, f.Evidence))
		}
		return all
	}
	got, want := same(Open), same(func(*audit.Site) (Tables, error) { return dump, nil })
	if !reflect.DeepEqual(got, want) || len(got) < 10 {
		t.Errorf("got the findings\n%s\nand of the dump\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
