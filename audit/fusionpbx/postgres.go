package fusionpbx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pbxguard/audit"
)

// Postgres is the live database, read and never written.
type Postgres struct {
	conn *pgx.Conn
	name string
}

// patience is how long the database may take for an answer.
const patience = 10 * time.Second

// Open is Connect for [Kind]: it ends the attempt after a while.
func Open(s *audit.Site) (Tables, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := Connect(ctx, s)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Connect opens the database that the site's config.conf names, in a session
// that cannot write. Its errors hold no password.
func Connect(ctx context.Context, s *audit.Site) (*Postgres, error) {
	text, err := s.Tree.ReadFile(configFile)
	if err != nil {
		return nil, err
	}
	v := parseSettings(string(text))
	if v["database.0.type"] != "pgsql" {
		return nil, errNoDatabase
	}
	conf, err := pgx.ParseConfig("")
	if err != nil {
		return nil, errors.New("cannot prepare the connection to FusionPBX's database")
	}
	conf.Host, conf.Port, conf.Fallbacks = v["database.0.host"], 5432, nil
	if _, err := fmt.Sscan(v["database.0.port"], &conf.Port); err != nil {
		conf.Port = 5432
	}
	if conf.Host == "" || conf.Host == "localhost" {
		conf.Host = "127.0.0.1"
	}
	conf.Database, conf.User, conf.Password = v["database.0.name"], v["database.0.username"], v["database.0.password"]
	s.Secret(conf.Password)
	if !secureHost(conf.Host) {
		return nil, fmt.Errorf("cannot read FusionPBX's database on %s: only one on this host is read", conf.Host)
	}
	conf.TLSConfig = nil
	conf.ConnectTimeout = patience
	conf.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // every value comes as text
	conf.RuntimeParams = map[string]string{"default_transaction_read_only": "on", "application_name": "pbxguard audit"}
	conn, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("cannot open FusionPBX's database %s on %s: %s", conf.Database, conf.Host, reason(err))
	}
	return &Postgres{conn, fmt.Sprintf("database %s on %s", conf.Database, conf.Host)}, nil
}

// secureHost tells whether a connection without TLS stays on the host.
func secureHost(host string) bool {
	ip := net.ParseIP(host)
	return host[0] == '/' || ip != nil && ip.IsLoopback()
}

// reason says why without what was sent.
func reason(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return "no answer"
}

var tableName = regexp.MustCompile(`^v_[a-z_]+$`)

// undefinedTable is the SQLSTATE of a table that is not there.
const undefinedTable = "42P01"

// Rows reads a whole table.
func (p *Postgres) Rows(ctx context.Context, table string) ([]Row, error) {
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("cannot read table %q: no such name is used by FusionPBX", table)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := p.conn.Query(ctx, "SELECT * FROM "+pgx.Identifier{"public", table}.Sanitize()+" LIMIT "+strconv.Itoa(maxRows+1))
	if err != nil {
		return nil, unread(table, err)
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		row := Row{}
		for i, raw := range rows.RawValues() {
			if raw != nil && len(raw) <= maxColumn {
				row[rows.FieldDescriptions()[i].Name] = string(raw)
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, unread(table, err)
	}
	if len(all) > maxRows {
		return all[:maxRows], fmt.Errorf("cannot read all of %s: it has more than %d rows", table, maxRows)
	}
	return all, nil
}

// unread is the error of a table that can't be read; one that is not there has
// no rows.
func unread(table string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == undefinedTable {
		return nil
	}
	return fmt.Errorf("cannot read %s: %s", table, reason(err))
}

func (p *Postgres) String() string { return p.name }

// Close ends the connection.
func (p *Postgres) Close(ctx context.Context) error { return p.conn.Close(ctx) }
