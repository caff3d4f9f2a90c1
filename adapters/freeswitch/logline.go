package freeswitch

import (
	"bytes"
	"fmt"
	"net/netip"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// An address that an access list turns away causes no event: only the log tells,
// at level 4, over a connection of its own:
//
//	2026-11-22 04:14:29.728615 89.97% [WARNING] sofia_reg.c:2406 IP 192.0.2.7 Rejected by register acl "trusted"
//	2026-11-22 04:14:29.728615 89.97% [WARNING] sofia.c:10667 IP 192.0.2.7 Rejected by acl "trusted"
//
// Other lines hold text that strangers chose, even line breaks. So a line counts
// only if it was written by one of the files that write these, says nothing
// before the address and nothing behind the list's name.

// refusals turns lines of the log into events.
type refusals struct {
	pbx  string
	emit func(*guard.Event)
	n    uint64 // tells the requests apart
}

// line takes one line of the log. head is what it was announced by.
func (r *refusals) line(head *wire.Block, body []byte, ev *guard.Event) {
	file := head.Get("Log-File")
	if string(file) != "sofia.c" && string(file) != "sofia_reg.c" {
		return
	}
	ip, ok := rejected(body, file, head.Get("Log-Line"))
	if !ok {
		return
	}
	addr, ok := address(ip)
	if !ok {
		return
	}
	r.n++
	ev.Kind, ev.PBX, ev.Service = guard.AuthRefused, r.pbx, service
	ev.Source = netip.AddrPortFrom(addr, 0) // the port is not told
	ev.Session = fmt.Sprintf("log-%d", r.n) // each line is a request of its own
	r.emit(ev)
}

// rejected is the address in a line that says it was turned away.
func rejected(body, file, line []byte) (ip []byte, ok bool) {
	mark := make([]byte, 0, 64)
	mark = append(mark, "[WARNING] "...)
	mark = append(mark, file...)
	mark = append(mark, ':')
	mark = append(mark, line...)
	mark = append(mark, " IP "...)
	stamp, rest, ok := bytes.Cut(body, mark)
	if !ok || len(stamp) > 48 || bytes.IndexByte(stamp, '\n') >= 0 {
		return nil, false
	}
	ip, rest, ok = bytes.Cut(rest, []byte(" Rejected by "))
	if !ok {
		return nil, false
	}
	rest = bytes.TrimPrefix(rest, []byte("register "))
	rest, ok = bytes.CutPrefix(rest, []byte(`acl "`))
	if !ok {
		return nil, false
	}
	rest = bytes.TrimRight(rest, "\n")
	name, ok := bytes.CutSuffix(rest, []byte(`"`))
	return ip, ok && !bytes.ContainsAny(name, "\"\n")
}
