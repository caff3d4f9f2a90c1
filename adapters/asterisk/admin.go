package asterisk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// maxListed bounds the entries that are taken of one list.
const maxListed = 100_000

// AdminOptions say how to reach AMI with an account that may read and write
// AstDB (write = system). It needs no read right.
type AdminOptions struct {
	Address  string // host:port on this host: the secret goes over it in clear
	Username string
	Secret   string
	Timeout  time.Duration // for one action, and for connecting; 0: 3 s
	Log      *slog.Logger  // nil: [slog.Default]
}

// Admin reads and writes AstDB, and lists contacts, over an AMI connection of
// its own that lives by the amigo package. That package has no deadlines, sends
// whatever it is given and can block for ever while the PBX is away; so values
// are checked here, each action has a deadline, and an instance that has missed
// one is thrown away. One action is under way at a time.
type Admin struct {
	options AdminOptions
	probe   *link

	mu       sync.Mutex
	instance *instance // nil until there is one
}

// NewAdmin returns an Admin that connects when it is first used.
func NewAdmin(o AdminOptions) (*Admin, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot use AMI address %q: %w", o.Address, err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("cannot administrate Asterisk at %s: its secret would go over the network in clear", o.Address)
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	p, err := New(Options{Name: "admin", Address: o.Address, Username: o.Username, Secret: o.Secret,
		Events: make(chan guard.Event), Log: o.Log})
	if err != nil {
		return nil, err
	}
	p.timing.dial, p.timing.login = o.Timeout, o.Timeout
	return &Admin{options: o, probe: newLink(p, "admin", "off", 0, nil)}, nil
}

// Close ends the connection.
func (a *Admin) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
}

// drop throws the instance away. The caller holds mu.
func (a *Admin) drop() {
	if a.instance != nil {
		close(a.instance.stop)
		a.instance = nil
	}
}

// Get reads a key of AstDB.
func (a *Admin) Get(ctx context.Context, family, key string) (value string, found bool, err error) {
	answer, list, err := a.do(ctx, "DBGet", "Family", family, "Key", key)
	if err == nil && answer["Message"] == "Database entry not found" {
		return "", false, nil
	}
	if err = succeeded(answer, err); err == nil && len(list) == 0 {
		err = errors.New("no value came")
	}
	if err != nil {
		return "", false, fmt.Errorf("cannot read %s/%s of AstDB: %w", family, key, err)
	}
	return list[0]["Val"], true, nil
}

// Tree reads a family of AstDB: values by whole key, as in "/family/key".
func (a *Admin) Tree(ctx context.Context, family string) (map[string]string, error) {
	answer, list, err := a.do(ctx, "DBGetTree", "Family", family)
	if err = succeeded(answer, err); err != nil {
		return nil, fmt.Errorf("cannot read %s of AstDB: %w", family, err)
	}
	values := make(map[string]string, len(list))
	for _, entry := range list {
		values[entry["Key"]] = entry["Val"]
	}
	return values, nil
}

// Put writes a key of AstDB.
func (a *Admin) Put(ctx context.Context, family, key, value string) error {
	answer, _, err := a.do(ctx, "DBPut", "Family", family, "Key", key, "Val", value)
	if err = succeeded(answer, err); err != nil {
		return fmt.Errorf("cannot write %s/%s of AstDB: %w", family, key, err)
	}
	return nil
}

// Delete deletes a key of AstDB. It is no error if there is none.
func (a *Admin) Delete(ctx context.Context, family, key string) error {
	answer, _, err := a.do(ctx, "DBDel", "Family", family, "Key", key)
	if err = succeeded(answer, err); err == nil {
		return nil
	}
	if answer != nil {
		// Asterisk says the same of a key that is not there and of one that it
		// cannot delete.
		if _, found, err := a.Get(ctx, family, key); err == nil && !found {
			return nil
		}
	}
	return fmt.Errorf("cannot delete %s/%s of AstDB: %w", family, key, err)
}

// Contacts lists the registered phones of chan_pjsip with an address. The
// accounts have no PBX.
func (a *Admin) Contacts(ctx context.Context) ([]guard.Standing, error) {
	answer, list, err := a.do(ctx, "PJSIPShowContacts")
	if err = succeeded(answer, err); err != nil {
		return nil, fmt.Errorf("cannot list contacts: %w", err)
	}
	var standings []guard.Standing
	now := time.Now()
	for _, c := range list {
		source, ok := uriAddr([]byte(c["Uri"]))
		expires, err := strconv.ParseInt(c["ExpirationTime"], 10, 64)
		if !ok || c["Endpoint"] == "" || err == nil && expires > 0 && expires < now.Unix() {
			continue
		}
		standings = append(standings, guard.Standing{
			Account: guard.Account{Name: c["Endpoint"]}, Source: source.Addr(),
			First: now, Last: now, Registered: true, Agent: wire.Clip([]byte(c["UserAgent"])),
		})
	}
	return standings, nil
}

// succeeded makes an error of an answer that is one.
func succeeded(answer map[string]string, err error) error {
	switch {
	case err != nil:
		return err
	case answer["Response"] != "Success":
		return errors.New(wire.Printed([]byte(answer["Message"])))
	}
	return nil
}

// do sends an action with its headers, given as keys and values, and waits for
// the answer and, if it announces one, the list behind it.
func (a *Admin) do(ctx context.Context, name string, headers ...string) (answer map[string]string, list []map[string]string, err error) {
	m := map[string]string{"Action": name, "ActionID": newNonce()}
	for i := 0; i+1 < len(headers); i += 2 {
		if bad(headers[i+1]) {
			return nil, nil, errValue
		}
		m[headers[i]] = headers[i+1]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	in, err := a.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	if answer, list, err = in.do(ctx, m); err != nil {
		a.drop()
	}
	return answer, list, err
}

// connected is the instance that is logged in, or a fresh one. The caller holds mu.
func (a *Admin) connected(ctx context.Context) (*instance, error) {
	if a.instance != nil {
		select {
		case <-a.instance.dead:
			a.drop()
		default:
			return a.instance, nil
		}
	}
	// amigo cannot say why a login failed and waits for ever on a silent server,
	// so the way is tried first by our own code.
	conn, err := a.probe.dial(ctx)
	if err != nil {
		return nil, err
	}
	err = newSession(a.probe, conn).login()
	conn.Close()
	if err != nil {
		return nil, err
	}
	in, err := newInstance(ctx, a.options)
	if err == nil {
		a.instance = in
	}
	return in, err
}
