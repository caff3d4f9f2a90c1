// Package freepbx reads the live database of a FreePBX, and never writes it.
package freepbx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"pbxguard/audit"
	"pbxguard/audit/asterisk"
)

// Bounds of a session. FreePBX keeps some ten rows an extension in a table.
const (
	patience  = 10 * time.Second // for an answer
	maxRows   = 200_000          // of one table
	maxPacket = 4 << 20          // bytes of one row
)

// Database is FreePBX's, in one transaction that cannot write.
type Database struct {
	db   *sql.DB
	tx   *sql.Tx
	name string
	cdr  string // the database of call records
}

// Open opens the database that /etc/freepbx.conf or /etc/amportal.conf names, if
// it is on this host. Its errors hold no password.
func Open(s *audit.Site) (audit.Tables, error) {
	settings, err := asterisk.FreePBXSettings(s.Tree)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := connect(ctx, s, settings)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func connect(ctx context.Context, s *audit.Site, settings map[string]string) (*Database, error) {
	s.Secret(settings["AMPDBPASS"])
	network, addr, err := where(s.Tree, settings)
	if err != nil {
		return nil, err
	}
	conf := mysql.NewConfig()
	conf.Net, conf.Addr = network, addr
	conf.User, conf.Passwd, conf.DBName = settings["AMPDBUSER"], settings["AMPDBPASS"], or(settings["AMPDBNAME"], "asterisk")
	conf.Timeout, conf.ReadTimeout, conf.WriteTimeout = patience, patience, patience
	conf.MaxAllowedPacket, conf.TLSConfig = maxPacket, "false"
	conf.Logger = log.New(io.Discard, "", 0) // what it says, its errors say too
	connector, err := mysql.NewConnector(conf)
	if err != nil {
		return nil, errors.New("cannot prepare the connection to FreePBX's database")
	}
	d := &Database{db: sql.OpenDB(connector), name: fmt.Sprintf("database %s at %s", conf.DBName, addr), cdr: or(settings["CDRDBNAME"], "asteriskcdrdb")}
	d.db.SetMaxOpenConns(1)
	// The context would end the transaction with it; each answer has its own.
	if d.tx, err = d.db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true}); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open FreePBX's database %s at %s: %s", conf.DBName, addr, reason(err)), d.db.Close())
	}
	return d, nil
}

// sockets are where MySQL and MariaDB listen on Debian and on Red Hat's.
var sockets = []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock"}

// where finds the server as PHP does: "localhost" is a socket. Only one on this
// host is read: the password would go over the network in a form that a listener
// can work on.
func where(tree *audit.Tree, settings map[string]string) (network, addr string, err error) {
	host := or(settings["AMPDBHOST"], "localhost")
	if host == "localhost" {
		candidates := sockets
		if own := settings["AMPDBSOCK"]; own != "" {
			candidates = []string{path.Clean(own)}
		}
		for _, name := range candidates {
			if tree.Exists(name) {
				return "unix", name, nil
			}
		}
		return "", "", errors.New("cannot open FreePBX's database: no socket of MySQL or MariaDB is there")
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return "", "", fmt.Errorf("cannot open FreePBX's database on %s: only one on this host is read", host)
	}
	port := or(settings["AMPDBPORT"], "3306")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("cannot open FreePBX's database: its port is %q", port)
	}
	return "tcp", net.JoinHostPort(host, port), nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// reason says why without what was sent.
func reason(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Message
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "the connection broke off"
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Numbers of errors of MySQL: there is no such table, no such database.
const (
	noSuchTable    = 1146
	noSuchDatabase = 1049
)

// Rows reads a whole table.
func (d *Database) Rows(ctx context.Context, table string) ([]audit.Row, error) {
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("cannot read table %q: no such name is used by FreePBX", table)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := d.tx.QueryContext(ctx, "SELECT * FROM "+identifier(table).Sanitize()+" LIMIT "+strconv.Itoa(maxRows+1))
	if err != nil {
		return nil, unread(table, err)
	}
	defer rows.Close()
	var all []audit.Row
	err = audit.EachRow(rows, maxRows, func(r audit.Row) { all = append(all, r) })
	if err != nil {
		return all, unread(table, err)
	}
	return all, nil
}

func unread(table string, err error) error {
	var my *mysql.MySQLError
	if errors.As(err, &my) && (my.Number == noSuchTable || my.Number == noSuchDatabase) {
		return nil
	}
	if errors.Is(err, audit.ErrTooMany) {
		return fmt.Errorf("cannot read all of %s: it has more than %d rows", table, maxRows)
	}
	return fmt.Errorf("cannot read %s: %s", table, reason(err))
}

// identifier is a name in a database.
type identifier string

// Sanitize is the name as a statement may hold it, whatever it is made of.
func (i identifier) Sanitize() string {
	return "`" + strings.ReplaceAll(string(i), "`", "``") + "`"
}

// What is asked for each channel's owner: a channel is TECH/NAME-UNIQUE, and a
// name may have dashes.
const (
	lastCalls = "SELECT SUBSTRING(c, 1, CHAR_LENGTH(c) - CHAR_LENGTH(SUBSTRING_INDEX(c, '-', -1)) - 1) AS name, MAX(at) AS last FROM (" +
		"SELECT channel AS c, calldate AS at FROM "
	andCallees = ".cdr WHERE calldate >= ? UNION ALL SELECT dstchannel, calldate FROM "
	byOwner    = ".cdr WHERE calldate >= ?) AS x WHERE c LIKE '%/%-%' GROUP BY name LIMIT 200000"
)

// LastCalls reads when extensions and trunks last had a call, from a time on,
// and when the records begin; the zero time if there are none.
func (d *Database) LastCalls(ctx context.Context, from time.Time) (last map[string]time.Time, since time.Time, err error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`).MatchString(d.cdr) {
		return nil, since, errors.New("cannot read the call records: the name of their database is none")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var first sql.NullString
	err = d.tx.QueryRowContext(ctx, "SELECT MIN(calldate) FROM "+identifier(d.cdr).Sanitize()+".cdr").Scan(&first)
	if err != nil {
		return nil, since, unread("call records", err)
	}
	if !first.Valid { // there was no call yet
		return nil, since, nil
	}
	if since, err = time.Parse(time.DateTime, first.String); err != nil {
		return nil, time.Time{}, errors.New("cannot read the call records: their dates are none")
	}
	start := from.Format(time.DateTime)
	rows, err := d.tx.QueryContext(ctx, lastCalls+identifier(d.cdr).Sanitize()+andCallees+identifier(d.cdr).Sanitize()+byOwner, start, start)
	if err != nil {
		return nil, since, unread("call records", err)
	}
	defer rows.Close()
	last = map[string]time.Time{}
	err = audit.EachRow(rows, maxRows, func(r audit.Row) {
		if at, err := time.Parse(time.DateTime, r["last"]); err == nil {
			last[r["name"]] = at
		}
	})
	if err != nil {
		return nil, since, unread("call records", err)
	}
	return last, since, nil
}

func (d *Database) String() string { return d.name }

// Close ends the session.
func (d *Database) Close(context.Context) error {
	return errors.Join(d.tx.Rollback(), d.db.Close())
}
