package host

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"pbxguard/audit"
)

// socket is a port that listens.
type socket struct {
	udp  bool
	addr netip.AddrPort
	user string
	at   string
}

// Socket states of /proc/net (include/net/tcp_states.h of Linux).
const (
	tcpListen = "0A"
	udpBound  = "07"
)

func (m *model) readSockets() {
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		file := "/proc/net/" + name
		n := 0
		for line := range strings.Lines(m.read("sockets", file)) {
			if n++; n == 1 {
				continue
			}
			if s, ok := m.socket(line, strings.HasPrefix(name, "udp")); ok {
				s.at = at(file, n)
				m.sockets = append(m.sockets, s)
			}
		}
	}
	if m.states["sockets"].how == audit.Absent {
		m.states["sockets"] = state{audit.Partial, "there is no /proc/net: what listens is known on the running host alone"}
	}
}

// socket reads "sl local_address rem_address st … uid …".
func (m *model) socket(line string, udp bool) (socket, bool) {
	f := strings.Fields(line)
	if len(f) < 8 || (udp && f[3] != udpBound) || (!udp && f[3] != tcpListen) {
		return socket{}, false
	}
	addr, ok := procAddr(f[1])
	user := m.users[f[7]]
	if user == "" {
		user = "uid " + f[7]
	}
	return socket{udp: udp, addr: addr, user: user}, ok
}

// procAddr reads an address of /proc/net: words of four bytes in the order of
// the machine, which is little-endian on all that pbxguard is built for.
func procAddr(text string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	p, perr := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || perr != nil || (len(raw) != 4 && len(raw) != 16) {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(p)), true
}

// local tells whether only the host itself reaches the socket.
func (s socket) local() bool { return s.addr.Addr().IsLoopback() }

// any tells whether it listens on all addresses.
func (s socket) any() bool { return s.addr.Addr().IsUnspecified() }

// where writes where it listens.
func (s socket) where() string {
	proto := "tcp"
	if s.udp {
		proto = "udp"
	}
	return proto + " " + s.addr.String()
}

// process is a PBX, or the guard, that runs.
type process struct {
	name, uid, caps string
	at              string
}

var watched = []string{"asterisk", "freeswitch", "pbxguard"}

func (m *model) readProcesses() {
	m.note("processes", audit.Absent, "")
	if len(m.glob("processes", "/proc/[0-9]*")) == 0 {
		m.note("processes", audit.Partial, "there is no /proc: what runs is known on the running host alone")
		return
	}
	for _, file := range m.glob("processes", "/proc/[0-9]*/status") {
		text, err := m.site.Tree.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended meanwhile
		}
		if err != nil {
			m.note("processes", audit.Partial, err.Error())
			continue
		}
		m.note("processes", audit.Whole, "")
		p := process{at: file}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			f := strings.Fields(value)
			switch {
			case len(f) == 0:
			case key == "Name":
				p.name = f[0]
			case key == "Uid" && len(f) > 1:
				p.uid = f[1]
			case key == "CapEff":
				p.caps = f[0]
			}
		}
		if slices.Contains(watched, p.name) {
			m.procs = append(m.procs, p)
		}
	}
}
