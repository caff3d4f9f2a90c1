package freeswitch

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// AdminOptions say how to reach the event socket for administration.
type AdminOptions struct {
	Address string
	// User, as "pbxguard@example.org", is a user of the directory whose
	// esl-allowed-api names what is asked; without one the password is that of the
	// event socket itself.
	User     string
	Password string
	Timeout  time.Duration // for each command; 0: 3 s
	Log      *slog.Logger  // nil: [slog.Default]
}

// Admin asks a FreeSWITCH for what its events do not tell. It sends a closed list
// of commands, of which db and hash alone change something. It connects when it is first used,
// and again after anything went wrong.
//
// Below it is eslgo, which is held to what it does well: one command at a time,
// each with a deadline, and after any error another connection, for an answer
// that comes late would be taken for that of the next command.
type Admin struct {
	options AdminOptions

	mu   sync.Mutex // held for as long as a command takes
	link adminLink
}

// adminLink is one connection. Its ask gives up at the context's deadline.
type adminLink interface {
	ask(ctx context.Context, name, args string) (body string, err error)
	dead() bool
	close() // does not wait
}

// NewAdmin returns an Admin that has yet to connect.
func NewAdmin(o AdminOptions) (*Admin, error) {
	if err := checkLogin(o.Address, o.User, o.Password); err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Admin{options: o}, nil
}

// Close gives the connection back.
func (a *Admin) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
}

// drop ends the connection, if there is one.
func (a *Admin) drop() {
	if a.link != nil {
		a.link.close()
		a.link = nil
	}
}

// api runs one command and returns what it says.
func (a *Admin) api(ctx context.Context, name string, args ...string) (string, error) {
	line := strings.Join(args, " ")
	if bad(name) || bad(line) {
		return "", fmt.Errorf("cannot send %s: an argument is too long or holds a line break", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	if err := a.connect(ctx); err != nil {
		return "", err
	}
	body, err := a.link.ask(ctx, name, line)
	if err != nil {
		a.drop()
		return "", fmt.Errorf("cannot ask FreeSWITCH for %s: %w", name, err)
	}
	if rest, refused := strings.CutPrefix(body, "-ERR"); refused {
		return "", fmt.Errorf("cannot ask FreeSWITCH for %s: %s", name, wire.Printed([]byte(strings.TrimSpace(rest))))
	}
	return body, nil
}

// connect makes a connection unless there is one.
func (a *Admin) connect(ctx context.Context) error {
	if a.link != nil && !a.link.dead() {
		return nil
	}
	a.drop()
	probe, err := a.probe(ctx)
	if err != nil {
		return err
	}
	link, err := a.dial(ctx, probe)
	if err != nil {
		return fmt.Errorf("cannot log in to the event socket at %s: %w", a.options.Address, err)
	}
	a.link = link
	return nil
}

// probe sees whether the event socket lets us in, which eslgo finds out late and
// does not say.
func (a *Admin) probe(ctx context.Context) (*conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", a.options.Address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, frames: newFrames(raw)}
	if err := c.login(&Options{Address: a.options.Address, User: a.options.User, Password: a.options.Password}, left(ctx)); err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// left is how long ctx, which has a deadline, still lasts.
func left(ctx context.Context) time.Duration {
	until, _ := ctx.Deadline()
	return time.Until(until)
}

// Version is what FreeSWITCH calls itself.
func (a *Admin) Version(ctx context.Context) (string, error) {
	text, err := a.api(ctx, "version")
	return wire.Printed([]byte(strings.TrimSpace(text))), err
}

// Gateway is a trunk of FreeSWITCH's.
type Gateway struct {
	Name    string
	Profile string
	Hosts   []string // addresses and names of the other side
}

// Gateways lists the gateways that FreeSWITCH has now.
func (a *Admin) Gateways(ctx context.Context) ([]Gateway, error) {
	text, err := a.api(ctx, "sofia", "xmlstatus", "gateway")
	if err != nil {
		return nil, err
	}
	var list struct {
		Gateways []struct {
			Name    string `xml:"name"`
			Profile string `xml:"profile"`
			Proxy   string `xml:"proxy"`
		} `xml:"gateway"`
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it says ISO-8859-1
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read the list of gateways: %w", err)
	}
	var found []Gateway
	for _, g := range list.Gateways {
		one := Gateway{Name: wire.Limit(g.Name), Profile: wire.Limit(g.Profile)}
		if host := HostOf(g.Proxy); host != "" {
			one.Hosts = []string{host}
		}
		found = append(found, one)
	}
	return found, nil
}

// HostOf is the host in a proxy or realm as a gateway is given it:
// "sip:carrier.example:5060;transport=tcp", "192.0.2.9", "[2001:db8::9]:5060". It
// is "" if there is none.
func HostOf(proxy string) string {
	s := strings.TrimSpace(proxy)
	for _, scheme := range []string{"sip:", "sips:"} {
		s = strings.TrimPrefix(s, scheme)
	}
	s, _, _ = strings.Cut(s, ";")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if end := strings.IndexByte(s, ']'); strings.HasPrefix(s, "[") && end > 0 {
		return s[1:end]
	}
	if strings.Count(s, ":") == 1 {
		s, _, _ = strings.Cut(s, ":")
	}
	return wire.Limit(s)
}

// Registrations lists the phones that are registered now. Their accounts have
// no PBX: FreeSWITCH does not name it as we do.
func (a *Admin) Registrations(ctx context.Context) ([]guard.Standing, error) {
	text, err := a.api(ctx, "show", "registrations", "as", "json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Rows []struct {
			User    string `json:"reg_user"`
			Realm   string `json:"realm"`
			Expires string `json:"expires"` // seconds since 1970
			IP      string `json:"network_ip"`
		} `json:"rows"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("cannot read the list of registrations: %w", err)
	}
	now := time.Now()
	var found []guard.Standing
	for _, r := range list.Rows {
		addr, err := netip.ParseAddr(r.IP)
		expires, _ := strconv.ParseInt(r.Expires, 10, 64)
		if err != nil || r.User == "" || expires > 0 && expires < now.Unix() {
			continue
		}
		found = append(found, guard.Standing{
			Account: guard.Account{Domain: strings.ToLower(wire.Limit(r.Realm)), Name: wire.Limit(r.User)},
			Source:  addr.Unmap().WithZone(""), First: now, Last: now, Registered: true,
		})
	}
	return found, nil
}
